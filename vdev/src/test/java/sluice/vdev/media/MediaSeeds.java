package sluice.vdev.media;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** The inputs that {@link MediaFuzzTest} begins with. Session 1 is that which a seed opens first. */
final class MediaSeeds {
    private static final int OUTPUT = MediaDriver.OUTPUT;
    private static final int CAPTURE = MediaDriver.CAPTURE;
    private static final int CALLS = 60;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    static Map<String, byte[]> calls() {
        Map<String, byte[]> seeds = new LinkedHashMap<>();
        for (int seed = 0; seed < 8; seed++) {
            byte[] calls = new byte[3 * CALLS];
            new Random(1000 + seed).nextBytes(calls);
            seeds.put("random-" + seed, calls);
        }
        // One session: its buffers, a few units, a drain, an end.
        seeds.put("one-stream",
                new byte[]{ 0, 0, 1, 14, 0, 1, 0, (byte) 0x80, 0, 0, (byte) 0x80, 1, 0, (byte) 0x80, 8, 8, 0,
                        1, 0, 0, 0, 0, 0, 1, 8, 0, 2, 8, 0, 2, 7, 0, 1, 8, 0, 2, 8, 0, 2, 8, 0, 2, 11, 0, 0, 15, 0,
                        0 });
        return seeds;
    }

    static Map<String, byte[]> commands() {
        Map<String, byte[]> seeds = new LinkedHashMap<>();
        seeds.put("questions", new MediaSeeds().open()
                .ioctl(Ioctl.ENUM_FMT, little(Struct.FmtDesc.BYTES).putInt(4, OUTPUT))
                .ioctl(Ioctl.ENUM_FMT, little(Struct.FmtDesc.BYTES).putInt(4, CAPTURE).putInt(0, 3))
                .ioctl(Ioctl.G_FMT, little(Struct.Format.BYTES).putInt(0, CAPTURE))
                .ioctl(Ioctl.ENUM_FRAMESIZES, little(Struct.FrameSize.BYTES).putInt(4, V4l2.fourcc("SLPL")))
                .ioctl(Ioctl.QUERY_EXT_CTRL, little(Struct.QueryExtControl.BYTES).putInt(0, V4l2.CTRL_NEXT))
                .ioctl(Ioctl.G_SELECTION, little(Struct.Selection.BYTES).putInt(0, 1).putInt(4, V4l2.SEL_COMPOSE))
                .seed());
        seeds.put("controls", new MediaSeeds().open().ioctl(Ioctl.G_EXT_CTRLS, controls(1))
                .ioctl(Ioctl.S_EXT_CTRLS, controls(2)).ioctl(Ioctl.TRY_EXT_CTRLS, controls(0))
                .ioctl(Ioctl.G_EXT_CTRLS, controls(1).putInt(4, 0x7fff_ffff))
                .ioctl(Ioctl.SUBSCRIBE_EVENT, little(Struct.Subscription.BYTES).putInt(0, V4l2.EVENT_CTRL)
                        .putInt(4, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE).putInt(8, V4l2.EVENT_SEND_INITIAL))
                .options(EVENTS).ioctl(Ioctl.G_CTRL, little(8).putInt(0, V4l2.CID_USER_CLASS)).seed());
        seeds.put("mmap-buffers", buffers(V4l2.MEMORY_MMAP)
                .ioctl(Ioctl.QUERYBUF, MediaDriver.buffer(OUTPUT, 0, V4l2.MEMORY_MMAP, 8))
                .command(little(20).putInt(0, 4).putInt(8, 1).putInt(12, 1))
                .ioctl(Ioctl.QBUF, MediaDriver.buffer(OUTPUT, 0, V4l2.MEMORY_MMAP, 1).putInt(88, 24))
                .ioctl(Ioctl.STREAMON, little(4).putInt(0, OUTPUT)).options(MediaFuzzTest.WORK)
                .ioctl(Ioctl.STREAMON, little(4).putInt(0, CAPTURE))
                .command(little(16).putInt(0, 5).putLong(8, 0)).close().seed());
        seeds.put("user-buffers", buffers(V4l2.MEMORY_USERPTR).ioctl(Ioctl.QBUF, user(0x40000, 4096))
                .ioctl(Ioctl.QBUF, user(-4096, 8192)).ioctl(Ioctl.QBUF, user(0x40000, 0))
                .ioctl(Ioctl.STREAMON, little(4).putInt(0, OUTPUT)).options(MediaFuzzTest.WORK).close().seed());
        seeds.put("sizes-that-overflow", new MediaSeeds().open()
                .ioctl(Ioctl.S_FMT, little(Struct.Format.BYTES).putInt(0, OUTPUT).putInt(8, -1).putInt(12, -1)
                        .putInt(28, -1))
                .ioctl(Ioctl.REQBUFS,
                        little(Struct.RequestBuffers.BYTES).putInt(0, -1).putInt(4, CAPTURE).putInt(8, 1))
                .ioctl(Ioctl.CREATE_BUFS, little(Struct.CreateBuffers.BYTES).putInt(4, -1).putInt(8, 1)
                        .putInt(16, CAPTURE).putInt(44, -1).put(16 + 188, (byte) 1))
                .ioctl(Ioctl.QBUF, MediaDriver.buffer(CAPTURE, -1, 1, 1).putInt(72, -1))
                .ioctl(Ioctl.REMOVE_BUFS,
                        little(Struct.RemoveBuffers.BYTES).putInt(0, -1).putInt(4, 2).putInt(8, CAPTURE))
                .seed());
        seeds.put("not-proxied", new MediaSeeds().open().code(0, little(104)).code(17, little(88)).code(89, little(136))
                .code(70, little(4)).code(200, little(4)).seed());
        seeds.put("no-session-and-cut-commands", new MediaSeeds().ioctl(Ioctl.G_FMT, little(Struct.Format.BYTES))
                .command(little(4).putInt(0, 1)).command(little(8).putInt(0, 3)).command(little(8).putInt(0, 77))
                .open().ioctl(Ioctl.S_FMT, little(20)).options(MediaFuzzTest.LITTLE_ROOM | 0x10)
                .ioctl(Ioctl.G_FMT, little(Struct.Format.BYTES).putInt(0, CAPTURE)).seed());
        seeds.put("many-sessions", new MediaSeeds().open().open().open().open().open().close()
                .open().options(MediaFuzzTest.RESET).open().seed());
        return seeds;
    }

    static Map<String, byte[]> encoderCommands() {
        Map<String, byte[]> seeds = new LinkedHashMap<>();
        seeds.put("one-stream", buffers(V4l2.MEMORY_MMAP).ioctl(Ioctl.S_PARM, little(Struct.Parameters.BYTES)
                .putInt(0, OUTPUT).putInt(12, 1).putInt(16, 25))
                .ioctl(Ioctl.S_CTRL, little(8).putInt(0, EncoderControls.FORCE_KEY_FRAME))
                .ioctl(Ioctl.QBUF, MediaDriver.buffer(CAPTURE, 0, V4l2.MEMORY_MMAP, 1))
                .ioctl(Ioctl.QBUF, MediaDriver.buffer(OUTPUT, 0, V4l2.MEMORY_MMAP, 1).putInt(88, 384))
                .ioctl(Ioctl.STREAMON, little(4).putInt(0, OUTPUT)).ioctl(Ioctl.STREAMON, little(4).putInt(0, CAPTURE))
                .options(MediaFuzzTest.WORK)
                .ioctl(Ioctl.ENCODER_CMD, little(Struct.ENCODER_COMMAND_BYTES).putInt(0, V4l2.CMD_STOP))
                .options(MediaFuzzTest.WORK | EVENTS)
                .ioctl(Ioctl.QBUF, MediaDriver.buffer(CAPTURE, 1, V4l2.MEMORY_MMAP, 1)).options(EVENTS)
                .ioctl(Ioctl.STREAMOFF, little(4).putInt(0, CAPTURE)).close().seed());
        seeds.put("crop-and-rates", new MediaSeeds().open()
                .ioctl(Ioctl.S_FMT, little(Struct.Format.BYTES).putInt(0, OUTPUT).putInt(8, -1).putInt(12, 17)
                        .putInt(32, -1))
                .ioctl(Ioctl.S_SELECTION,
                        little(Struct.Selection.BYTES).putInt(0, 2).putInt(20, -5).putInt(24, 1 << 30))
                .ioctl(Ioctl.S_PARM, little(Struct.Parameters.BYTES).putInt(0, CAPTURE).putInt(12, -1).putInt(16, 7))
                .ioctl(Ioctl.G_PARM, little(Struct.Parameters.BYTES).putInt(0, 77))
                .ioctl(Ioctl.S_CTRL, little(8).putInt(0, EncoderControls.BITRATE_MODE).putInt(4, 9))
                .ioctl(Ioctl.QUERYMENU, little(Struct.QueryMenu.BYTES).putInt(0, EncoderControls.BITRATE_MODE)
                        .putInt(4, 1))
                .ioctl(Ioctl.EXPBUF, little(Struct.ExportBuffer.BYTES + Struct.UUID_BYTES).putInt(0, OUTPUT)).seed());
        return seeds;
    }

    private static final int EVENTS = MediaFuzzTest.EVENT;
    private int options;

    private static ByteBuffer little(int bytes) {
        return MediaDriver.little(bytes);
    }

    private static ByteBuffer controls(int count) {
        ByteBuffer controls = little(Struct.ExtControls.BYTES + count * Struct.ExtControls.ONE_BYTES).putInt(4, count);
        for (int i = 0; i < count; i++)
            controls.putInt(Struct.ExtControls.BYTES + i * Struct.ExtControls.ONE_BYTES,
                    V4l2.CID_MIN_BUFFERS_FOR_CAPTURE);
        return controls;
    }

    private static MediaSeeds buffers(int memory) {
        return new MediaSeeds().open()
                .ioctl(Ioctl.S_FMT, little(Struct.Format.BYTES).putInt(0, OUTPUT).putInt(8, 16).putInt(12, 16)
                        .putInt(28, 4096))
                .ioctl(Ioctl.REQBUFS,
                        little(Struct.RequestBuffers.BYTES).putInt(0, 2).putInt(4, OUTPUT).putInt(8, memory))
                .ioctl(Ioctl.REQBUFS,
                        little(Struct.RequestBuffers.BYTES).putInt(0, 2).putInt(4, CAPTURE).putInt(8, memory));
    }

    private static ByteBuffer user(long address, int length) {
        ByteBuffer buffer = MediaDriver.buffer(OUTPUT, 0, V4l2.MEMORY_USERPTR, 1).putInt(88, 24).putInt(92, length);
        ByteBuffer all = little(buffer.limit() + Struct.ENTRY_BYTES).put(buffer.rewind());
        return all.putLong(address).putInt(length).putInt(0).rewind();
    }

    private MediaSeeds open() {
        return command(little(8).putInt(0, 1));
    }

    private MediaSeeds close() {
        return command(little(16).putInt(0, 2).putInt(8, 1));
    }

    /** Of the next command. */
    private MediaSeeds options(int next) {
        options = next;
        return this;
    }

    private MediaSeeds ioctl(Ioctl ioctl, ByteBuffer payload) {
        return code(ioctl.code(), payload);
    }

    private MediaSeeds code(int code, ByteBuffer payload) {
        return command(little(16 + payload.limit()).putInt(3).putInt(0).putInt(1).putInt(code)
                .put(payload.duplicate().rewind()));
    }

    private MediaSeeds command(ByteBuffer command) {
        bytes.write(command.limit() / 4);
        bytes.write(options);
        options = 0;
        byte[] copy = new byte[command.limit()];
        command.get(0, copy);
        bytes.writeBytes(copy);
        return this;
    }

    private byte[] seed() {
        return bytes.toByteArray();
    }
}
