import com.zx.sms.codec.cmpp.msg.CmppDeliverRequestMessage;
import com.zx.sms.codec.cmpp.msg.CmppReportRequestMessage;
import com.zx.sms.codec.cmpp.msg.CmppSubmitRequestMessage;
import com.zx.sms.codec.cmpp.msg.CmppSubmitResponseMessage;
import com.zx.sms.codec.sgip12.msg.SgipSubmitRequestMessage;
import com.zx.sms.codec.sgip12.msg.SgipSubmitResponseMessage;
import com.zx.sms.codec.smgp.msg.SMGPSubmitMessage;
import com.zx.sms.codec.smgp.msg.SMGPSubmitRespMessage;
import com.zx.sms.connect.manager.EndpointEntity;
import com.zx.sms.connect.manager.EndpointEntity.ChannelType;
import com.zx.sms.connect.manager.EndpointManager;
import com.zx.sms.connect.manager.MixedServerEndpointEntity;
import com.zx.sms.connect.manager.cmpp.CMPPServerChildEndpointEntity;
import com.zx.sms.connect.manager.sgip.SgipServerChildEndpointEntity;
import com.zx.sms.connect.manager.smgp.SMGPServerChildEndpointEntity;
import com.zx.sms.handler.api.AbstractBusinessHandler;
import com.zx.sms.handler.api.BusinessHandlerInterface;
import io.netty.channel.ChannelHandlerContext;
import java.util.List;

/**
 * A message centre on SMSGate: what our CMPP, SGIP and SMGP are tested against. One port speaks all three.
 *
 * Prints one JSON line for each thing that happens, the first when it listens. A number that ends in 6 is
 * refused for good. Ends with its standard input.
 */
public final class Smsgate {
    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }

    private static void taken(String protocol, String phone, String text, boolean whole) {
        say("{\"taken\":" + quoted(phone) + ",\"text\":" + quoted(text)
            + ",\"protocol\":" + quoted(protocol) + ",\"whole\":" + whole + "}");
    }

    private static boolean isRefused(String phone) {
        return phone.endsWith("6");
    }

    /** What becomes of a message of each protocol. */
    private static final class Centre extends AbstractBusinessHandler {
        @Override
        public String name() {
            return "centre";
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
            if (message instanceof CmppSubmitRequestMessage submit) {
                cmpp(context, submit);
            } else if (message instanceof SgipSubmitRequestMessage submit) {
                sgip(context, submit);
            } else if (message instanceof SMGPSubmitMessage submit) {
                smgp(context, submit);
            } else {
                context.fireChannelRead(message);
            }
        }

        private static void cmpp(ChannelHandlerContext context, CmppSubmitRequestMessage submit) {
            String phone = submit.getDestterminalId()[0];
            var parts = submit.getFragments() == null
                ? List.<CmppSubmitRequestMessage>of() : submit.getFragments();
            for (var part : parts) {
                answer(context, part, phone);
            }
            taken("cmpp", phone, submit.getMsgContent(), !parts.isEmpty());
            answer(context, submit, phone);
        }

        private static void answer(ChannelHandlerContext context, CmppSubmitRequestMessage submit, String phone) {
            var answer = new CmppSubmitResponseMessage(submit.getHeader().getSequenceId());
            answer.setResult(isRefused(phone) ? 9 : 0);
            context.channel().writeAndFlush(answer);
            if (isRefused(phone) || submit.getRegisteredDelivery() != 1) {
                return;
            }
            var report = new CmppReportRequestMessage();
            report.setDestterminalId(phone);
            report.setMsgId(answer.getMsgId());
            report.setSubmitTime("2309071304");
            report.setDoneTime("2309071305");
            report.setStat("DELIVRD");
            report.setSmscSequence(0);
            var deliver = new CmppDeliverRequestMessage();
            deliver.setDestId(submit.getSrcId());
            deliver.setSrcterminalId(phone);
            deliver.setReportRequestMessage(report);
            context.channel().writeAndFlush(deliver);
        }

        private static void sgip(ChannelHandlerContext context, SgipSubmitRequestMessage submit) {
            String phone = submit.getUsernumber()[0];
            var parts = submit.getFragments() == null
                ? List.<SgipSubmitRequestMessage>of() : submit.getFragments();
            for (var part : parts) {
                answer(context, part, phone);
            }
            taken("sgip", phone, submit.getMsgContent(), !parts.isEmpty());
            answer(context, submit, phone);
        }

        private static void answer(ChannelHandlerContext context, SgipSubmitRequestMessage submit, String phone) {
            var answer = new SgipSubmitResponseMessage(submit.getHeader());
            answer.setTimestamp(submit.getTimestamp());
            answer.setResult((short) (isRefused(phone) ? 23 : 0));
            context.writeAndFlush(answer);
        }

        private static void smgp(ChannelHandlerContext context, SMGPSubmitMessage submit) {
            String phone = submit.getDestTermIdArray()[0];
            var parts = submit.getFragments() == null
                ? List.<SMGPSubmitMessage>of() : submit.getFragments();
            for (var part : parts) {
                answer(context, part, phone);
            }
            taken("smgp", phone, submit.getMsgContent(), !parts.isEmpty());
            answer(context, submit, phone);
        }

        private static void answer(ChannelHandlerContext context, SMGPSubmitMessage submit, String phone) {
            var answer = new SMGPSubmitRespMessage();
            answer.setSequenceNo(submit.getSequenceNo());
            answer.setStatus(isRefused(phone) ? 58 : 0);
            context.writeAndFlush(answer);
        }
    }

    private static void open(EndpointEntity child, String id) {
        child.setId(id);
        child.setValid(true);
        child.setChannelType(ChannelType.DUPLEX);
        child.setMaxChannels((short) 4);
        child.setRetryWaitTimeSec((short) 30);
        child.setMaxRetryCnt((short) 3);
        child.setReSendFailMsg(false);
        child.setBusinessHandlerSet(List.<BusinessHandlerInterface>of(new Centre()));
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        var server = new MixedServerEndpointEntity();
        server.setId("centre");
        server.setHost("127.0.0.1");
        server.setPort(port);
        server.setValid(true);
        for (short version : new short[] {0x20, 0x30}) {
            var mobile = new CMPPServerChildEndpointEntity();
            open(mobile, "mobile" + version);
            mobile.setUserName(version == 0x20 ? "900002" : "900003");
            mobile.setPassword("secret");
            mobile.setVersion(version);
            server.addchild(mobile);
        }
        var unicom = new SgipServerChildEndpointEntity();
        open(unicom, "unicom");
        unicom.setLoginName("unicom");
        unicom.setLoginPassowrd("secret");
        unicom.setNodeId(3025000001L);
        unicom.setIdleTimeSec((short) 60);
        server.addchild(unicom);
        var telecom = new SMGPServerChildEndpointEntity();
        open(telecom, "telecom");
        telecom.setClientID("telecom");
        telecom.setPassword("secret");
        telecom.setClientVersion((byte) 0x30);
        server.addchild(telecom);
        EndpointManager.INS.openEndpoint(server);
        say("{\"port\":" + port + "}");
        while (System.in.read() >= 0) {
            // Whoever started it closes this.
        }
        System.exit(0);
    }
}
