// The push service and browser of the npm package `web-push-testing`, on loopback alone.
// PORT as the only argument; the package prints a line once it listens.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.PEER_MODULES}/`);
const PushApiModel = require('web-push-testing/src/PushApiModel.js');
const Server = require('web-push-testing/src/server.js');
const Model = PushApiModel.PushApiModel ?? PushApiModel;

const server = new Server(new Model(), Number(process.argv[2]));
server._app.listen = (port, done) => createServer(server._app).listen(port, '127.0.0.1', done);
server.startServer();
