package sluice.vdev.media;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.linux.Errno;

import static org.assertj.core.api.Assertions.assertThat;

/** A client of {@link OneThreadMedia} with a session and MMAP buffers: what it calls, and what it gets back in order. */
final class PlainClient {
    static final int OUTPUT = MediaDriver.OUTPUT;
    static final int CAPTURE = MediaDriver.CAPTURE;

    final OneThreadMedia device;
    final int id;

    PlainClient(OneThreadMedia device) {
        this.device = device;
        id = device.open();
        assertThat(id).isPositive();
    }

    /** Carries an ioctl out: 0 or an errno. */
    int call(Ioctl ioctl, ByteBuffer payload) {
        return device.ioctl(id, ioctl, payload);
    }

    /** The same, which must succeed; what is answered. */
    ByteBuffer ok(Ioctl ioctl, ByteBuffer payload) {
        assertThat(Errno.name(call(ioctl, payload))).as("%s", ioctl).isEqualTo(Errno.name(0));
        return payload;
    }

    void subscribe(int type) {
        ok(Ioctl.SUBSCRIBE_EVENT, MediaDriver.little(Struct.Subscription.BYTES).putInt(0, type));
    }

    ByteBuffer format(int type) {
        return ok(Ioctl.G_FMT, MediaDriver.little(Struct.Format.BYTES).putInt(0, type));
    }

    ByteBuffer setFormat(int type, String fourcc, int width, int height) {
        return ok(Ioctl.S_FMT, asked(type, fourcc, width, height));
    }

    static ByteBuffer asked(int type, String fourcc, int width, int height) {
        return MediaDriver.little(Struct.Format.BYTES).putInt(0, type).putInt(8, width).putInt(12, height).putInt(16,
                V4l2.fourcc(fourcc)).putInt(28, CodedFormat.LEAST_BYTES);
    }

    void request(int type, int count) {
        ByteBuffer request = ok(Ioctl.REQBUFS, MediaDriver.little(Struct.RequestBuffers.BYTES).putInt(0, count)
                .putInt(4, type).putInt(8, V4l2.MEMORY_MMAP));
        assertThat(request.getInt(0)).isEqualTo(count);
    }

    void stream(int type, boolean on) {
        ok(on ? Ioctl.STREAMON : Ioctl.STREAMOFF, MediaDriver.little(4).putInt(0, type));
    }

    int command(int which) {
        return call(Ioctl.DECODER_CMD, MediaDriver.little(Struct.CodecCommand.BYTES).putInt(0, which));
    }

    /** Where a plane of a buffer is in the arena. */
    int offset(int type, int index, int plane) {
        return ok(Ioctl.QUERYBUF, MediaDriver.buffer(type, index, V4l2.MEMORY_MMAP, 8))
                .getInt(Struct.Buffer.BYTES + plane * Struct.Plane.BYTES + 8);
    }

    /** Queues a CAPTURE buffer of as many planes. */
    void queuePicture(int index, int planes) {
        ok(Ioctl.QBUF, MediaDriver.buffer(CAPTURE, index, V4l2.MEMORY_MMAP, planes));
    }

    void queuePicture(int index) {
        queuePicture(index, 1);
    }

    /** Puts a unit into an OUTPUT buffer and queues that. */
    void queueUnit(int index, ByteBuffer unit, long seconds) {
        device.write(offset(OUTPUT, index, 0), unit);
        ok(Ioctl.QBUF, MediaDriver.buffer(OUTPUT, index, V4l2.MEMORY_MMAP, 1).putInt(88, unit.limit()).putLong(24,
                seconds));
    }

    /** All events there are when the workers have nothing to do any more. */
    List<MediaDriver.Event> events() {
        List<MediaDriver.Event> all = new ArrayList<>();
        boolean goesOn = true;
        while (goesOn) {
            goesOn = device.work();
            for (var event = device.event(); event.isPresent(); event = device.event()) {
                all.add(event.get());
                goesOn = true;
            }
        }
        return all;
    }

    /**
     * The same in words: {@code unit N}, {@code picture N SECONDS}, {@code last N}, each with {@code error} after it, {@code source},
     * {@code eos}, {@code control VALUE}.
     */
    List<String> said() {
        return events().stream().filter(event -> event.session() == id).map(PlainClient::inWords).toList();
    }

    private static String inWords(MediaDriver.Event event) {
        if (!event.isBuffer()) {
            return switch (event.event()) {
                case V4l2.EVENT_EOS -> "eos";
                case V4l2.EVENT_SOURCE_CHANGE -> "source";
                case V4l2.EVENT_CTRL -> "control " + event.body().getLong(16);
                default -> "event " + event.event();
            };
        }
        String failed = (event.flags() & V4l2.BUF_ERROR) == 0 ? "" : " error";
        if (event.type() == OUTPUT) return "unit " + event.index() + failed;
        String last = (event.flags() & V4l2.BUF_LAST) == 0 ? "" : " last";
        return event.used() == 0
                ? "empty" + last + failed
                : "picture " + event.seconds() + last + failed;
    }
}
