package sluice.vdev.tw686x;

import java.io.IOException;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.VfioUserClient;

/** The part of Linux's driver that talks to the card, for channels that take turns with two buffers. */
final class Tw686xDriver implements AutoCloseable {
    private static final int INTERRUPT = 0x00;
    private static final int LAST_BUFFER = 0x01;
    private static final int COMMAND = 0x02;
    private static final int FIFO = 0x03;
    private static final int ENABLE = 0x0a;
    private static final int PHASE = 0x2e;
    private static final int WHOLE = 2;

    private final VfioUserClient client;
    private final Fd line = EventFd.create();

    /** Enables bus mastering and its interrupt. */
    Tw686xDriver(VfioUserClient client) throws IOException {
        this.client = client;
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        if (client.setIrqs(VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER, VfioUserClient.LINE, 0, 1, new byte[0],
                line) != 0)
            throw new AssertionError("the interrupt line is refused");
    }

    void write(int register, int value) throws IOException {
        client.write32(0, register * 4L, value);
    }

    int read(int register) throws IOException {
        return client.read32(0, register * 4L);
    }

    private void format(int channel, int mode, int lineBytes, int distance, int height) throws IOException {
        write(0x10 + channel, mode == WHOLE ? 0 : 255 << 10);
        write(0x81 + 8 * channel, (height / 2) << 22 | distance << 11 | lineBytes);
        int shift = 16 + 2 * channel;
        write(PHASE, (read(PHASE) & ~(3 << shift)) | mode << shift);
    }

    /** Whole pictures, into two buffers in turns. */
    void whole(int channel, int lineBytes, int distance, int height, long first, long second) throws IOException {
        format(channel, WHOLE, lineBytes, distance, height);
        write(0x80 + 8 * channel, (int) first);
        write(0x82 + 8 * channel, (int) second);
    }

    /** Fields of channel 0, the even lines first, where two lists of pages say. */
    void byLists(int lineBytes, int height, long first, long second) throws IOException {
        write(0x08, (int) first);
        write(0x09, (int) second);
        format(0, 0, lineBytes, lineBytes, height);
    }

    /** @param channels a bit for each that captures */
    void run(int channels) throws IOException {
        write(ENABLE, channels);
        write(COMMAND, channels == 0 ? 0 : 1 << 31 | channels);
    }

    /** Waits until one of these channels has a picture, and returns a bit for each that has one. The card waits until {@link #taken}. */
    int awaitPictures(int channels) throws IOException {
        while (true) {
            Deadline.in(Deadline.USUAL).require(() -> {
                try {
                    return EventFd.drain(line) > 0;
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            }, "an interrupt");
            int pictures = read(INTERRUPT);
            if ((read(FIFO) >>> 16 & 0xff) != 0) throw new AssertionError("a bad address");
            if ((pictures & channels) != 0) return pictures;
            taken();
        }
    }

    /** The handler ends: which buffers were filled last, a bit for each channel. */
    int taken() throws IOException {
        int last = read(LAST_BUFFER);
        if (client.setIrqs(VfioUserClient.DATA_NONE | VfioUserClient.UNMASK, VfioUserClient.LINE, 0, 1,
                new byte[0]) != 0)
            throw new AssertionError("unmasking is refused");
        return last;
    }

    @Override
    public void close() {
        line.close();
    }
}
