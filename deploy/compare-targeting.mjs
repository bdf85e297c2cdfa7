// The same people and the same drawn places in sanfang and in PostGIS, in one run.
//
// `node deploy/compare-targeting.mjs SANFANG [PEOPLE]` (`make compare-targeting`) has `sanfang bench
// targeting` make the people and the places, loads them into a private PostgreSQL 15 with PostGIS 3
// (a cluster in a temporary folder, on a socket alone, stopped again by its own pid file), asks for
// the telephones of one class inside each place, each once, and prints how many times faster sanfang
// is. Other counts on either side are a failure. Where PostGIS cannot be installed it says SKIPPED.

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';

const [sanfang, people = '1000000'] = process.argv.slice(2);
if (!sanfang) {
  console.error('usage: node deploy/compare-targeting.mjs SANFANG [PEOPLE]');
  process.exit(2);
}

const ASKED = 100;
const TIMES = 5;
const AT = 100_000;
const bin = '/usr/lib/postgresql/15/bin';
const owner = 'postgres';

function skipped(why) {
  console.log(`SKIPPED compare-targeting: ${why}`);
  process.exit(0);
}

function run(program, args, options = {}) {
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${program}: ${done.stderr.slice(-2000)}`);
  return done.stdout;
}

if (!existsSync(join(bin, 'initdb')) || !existsSync('/usr/share/postgresql/15/extension/postgis.control')) {
  const root = process.getuid() === 0;
  // No service of the system's is started: the cluster of this run is its own.
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get'];
  const apt = (...args) => spawnSync(root ? 'env' : 'sudo', [...(root ? quiet.slice(1) : ['-n', ...quiet]), ...args], { encoding: 'utf8' });
  apt('update');
  const done = apt('install', '-y', '--no-install-recommends', 'postgresql-15', 'postgresql-15-postgis-3');
  if (done.status !== 0) skipped('postgresql-15-postgis-3 cannot be installed here');
}
const root = process.getuid() === 0;
const as = (program, args, options) =>
  root ? run('runuser', ['-u', owner, '--', program, ...args], options) : run(program, args, options);

const folder = mkdtempSync(join(tmpdir(), 'sanfang-postgis-'));
chmodSync(folder, 0o755);
const cluster = join(folder, 'cluster');
const left = join(folder, 'left');
let running = false;
let failed = false;
try {
  console.error(`  … sanfang: ${people} people`);
  const lines = run(sanfang, ['bench', 'targeting', '--people', people, '--export', left, '--json']);
  const places = JSON.parse(readFileSync(join(left, 'places.json'), 'utf8'));
  if (root) execFileSync('chown', [`${owner}:`, folder]);
  console.error('  … PostGIS: a cluster of its own');
  as(join(bin, 'initdb'), ['-D', cluster, '-A', 'trust', '-U', 'sanfang', '--no-sync', '-E', 'UTF8']);
  const settings = `-c listen_addresses='' -k ${folder} -c fsync=off -c shared_buffers=1GB -c work_mem=256MB -c max_wal_size=4GB -c jit=off`;
  as(join(bin, 'pg_ctl'), ['-D', cluster, '-w', '-l', join(folder, 'log'), '-o', settings, 'start']);
  running = true;
  const psql = (sql) =>
    as('psql', ['-h', folder, '-U', 'sanfang', '-d', 'postgres', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1'], { input: sql });
  psql(`create extension postgis;
    create table people (id text, lon float8, lat float8, phone bigint, language text, audience text);
    \\copy people from '${join(left, 'subscribers.csv')}' with (format csv, header)
    alter table people add at geometry(Point, 4326);
    update people set at = ST_SetSRID(ST_MakePoint(lon, lat), 4326);
    create index on people using gist (at);
    vacuum analyze people;`);
  console.log(`PostGIS ${psql('select postgis_lib_version()').trim()}, ${people} people, load ${loadavg()[0].toFixed(1)}`);
  for (const place of places) {
    // Distances there are a spheroid's, here they are flat: only what is inside is the same question.
    if (place.geometry.type !== 'Polygon') continue;
    psql(`drop table if exists place; create table place as
      select ST_SetSRID(ST_GeomFromGeoJSON('${JSON.stringify(place.geometry)}'), 4326) as shape;`);
    const question = `select count(distinct phone) from people, place
      where 'public' = any(string_to_array(audience, ';')) and ST_Covers(shape, at);`;
    const times = [];
    let count = 0;
    for (let time = 0; time < TIMES; time += 1) {
      const answer = psql(`\\timing on\n${question}`);
      count = Number(answer.match(/^\d+$/m)[0]);
      times.push(Number(answer.match(/Time: ([\d.]+) ms/)[1]));
    }
    times.sort((a, b) => a - b);
    const theirs = times[Math.floor(TIMES / 2)];
    const ratio = theirs / place.ms;
    console.log(`${place.name}: ${count} telephones; PostGIS ${theirs.toFixed(2)} ms, sanfang ${place.ms.toFixed(3)} ms: ${ratio.toFixed(0)} times`);
    if (count !== place.heads) {
      console.log(`  FAILED: sanfang found ${place.heads}`);
      failed = true;
    }
    if (place.name.includes(` ${AT} `) && ratio < ASKED) {
      console.log(`  FAILED: asked are ${ASKED} times`);
      failed = true;
    }
  }
  if (!lines) failed = true;
} finally {
  if (running) as(join(bin, 'pg_ctl'), ['-D', cluster, '-m', 'immediate', 'stop']);
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
