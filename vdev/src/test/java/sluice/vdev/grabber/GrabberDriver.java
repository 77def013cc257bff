package sluice.vdev.grabber;

import java.io.IOException;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.VfioUserClient;

/** The part of Linux's driver that talks to the card, in the order in which that does. */
public final class GrabberDriver implements AutoCloseable {
    static final int CONTROL = 0x40;
    static final int INTERRUPT = 0x48;
    static final int END_ODD = 2;

    private static final int RUNNING = 0x80 | 0x40 | 0x333;
    private static final int STOPPED = 0x80 | 0x40 | 0x330;
    private static final int SET_EVENTFD = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;
    private static final int UNMASK = VfioUserClient.DATA_NONE | VfioUserClient.UNMASK;

    private final VfioUserClient client;
    private final Fd line = EventFd.create();

    public GrabberDriver(VfioUserClient client) throws IOException {
        this.client = client;
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        if (client.setIrqs(SET_EVENTFD, VfioUserClient.LINE, 0, 1, new byte[0], line) != 0)
            throw new AssertionError("the interrupt line is refused");
        write(CONTROL, 0xf30);
        write(CONTROL, 0xc0);
        write(INTERRUPT, 0);
    }

    int read(int register) throws IOException {
        return client.read32(0, register);
    }

    void write(int register, int value) throws IOException {
        client.write32(0, register, value);
    }

    /** An indirect register, or −1 if the cycle was aborted. */
    int readIndirect(int index) throws IOException {
        write(0x64, index << 17 | 0x01010000);
        return ended() ? read(0x60) >>> 24 : -1;
    }

    /** Whether the cycle went well. */
    boolean writeIndirect(int index, int value) throws IOException {
        write(0x64, index << 17 | 0x01000000 | value);
        return ended();
    }

    private boolean ended() throws IOException {
        if ((read(0x64) & 0x01000000) != 0) throw new AssertionError("the cycle does not end");
        if ((read(0x60) & 0x200) == 0) return true;
        write(0x60, 0x200);
        return false;
    }

    void aim(long address, int width) throws IOException {
        write(0x00, (int) address);
        write(0x0c, (int) (address + width));
        write(0x18, width);
        write(0x24, width);
    }

    /** Begins to capture, pictures 768 or 640 wide. */
    public void start(long address, int width) throws IOException {
        aim(address, width);
        write(INTERRUPT, 0x607);
        write(CONTROL, RUNNING);
        if (!writeIndirect(0x10, (width == 768 ? 4 : 0) | 0x30)) throw new AssertionError("the board is not armed");
    }

    public void stop() throws IOException {
        writeIndirect(0x10, 4);
        write(CONTROL, STOPPED);
        write(INTERRUPT, 7);
        unmask();
    }

    /** Waits until a picture has ended, without acknowledging that. */
    public void awaitPicture() throws IOException {
        while (true) {
            Deadline.in(Deadline.USUAL).require(() -> {
                try {
                    return EventFd.drain(line) > 0;
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            }, "an interrupt");
            if ((read(INTERRUPT) & END_ODD) != 0) return;
            write(INTERRUPT, 0x604);
            unmask();
        }
    }

    /** Acknowledges the end of a picture, so that the next may begin. */
    void acknowledge() throws IOException {
        write(INTERRUPT, 0x607);
        unmask();
    }

    private void unmask() throws IOException {
        if (client.setIrqs(UNMASK, VfioUserClient.LINE, 0, 1, new byte[0]) != 0)
            throw new AssertionError("unmasking is refused");
    }

    @Override
    public void close() {
        line.close();
    }
}
