package sluice.vdev.vfg7350;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;

/** The part of Linux's drivers that gives the encoder card buffers of 64 packets, two in turn, each of three scattered pages. */
public final class EncoderDriver implements AutoCloseable {
    /** The last byte of memory that a buffer has is below this. */
    public static final long RAM = 4 << 20;
    /** Of a buffer. */
    public static final int BYTES = 64 * PacketSource.PACKET_BYTES;

    private static final int PAGE = 4096;
    private static final long TABLE = 0x8000;
    private static final int[][] PAGES = { { 0x140, 0x13f, 0x200 }, { 0x210, 0x180, 0x150 } };
    private static final int DONE = 1 << 2;

    private final VfioUserClient client;
    private final GuestRam ram;
    private final Fd line = EventFd.create();

    /** @param ram of {@link #RAM} bytes or more, which is mapped from address 0 on */
    public EncoderDriver(VfioUserClient client, GuestRam ram) throws IOException {
        this.client = client;
        this.ram = ram;
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        if (client.setIrqs(VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER, VfioUserClient.LINE, 0, 1,
                new byte[0], line) != 0) {
            throw new AssertionError("the interrupt line is refused");
        }
    }

    private void write(int register, int value) throws IOException {
        client.write32(0, register, value);
    }

    /** What streaming begins with. */
    public void stream() throws IOException {
        int entry = 0;
        for (int[] pages : PAGES) {
            for (int page : pages)
                ram.memory().set(ValueLayout.JAVA_INT_UNALIGNED, TABLE + 4L * entry++, page * PAGE);
        }
        write(0x1a4, 63);
        write(0x25c, (int) (TABLE / PAGE) | 1 << 20);
        write(0x2c4, DONE);
        write(0x2a8, 1 << 5);
        write(0x1a0, 1 << 7);
    }

    /** The port sends nothing more. */
    public void stop() throws IOException {
        write(0x1a0, 0);
    }

    /** Gives the card both buffers, of which it fills the one whose turn it is. */
    public void give() throws IOException {
        write(0x250, 0);
        write(0x254, PAGES[0].length * PAGE);
    }

    /** Whether the card says that a buffer is done, without an interrupt. */
    public boolean isDone() throws IOException {
        return (client.read32(0, 0x2cc) & DONE) != 0;
    }

    /** Waits for the interrupt that a buffer's end is told by, and acknowledges it. */
    public void awaitBuffer() throws IOException {
        Deadline.in(Deadline.USUAL).require(this::interrupted, "an interrupt");
        acknowledge();
    }

    /** Whether there was an interrupt since the last time. */
    public boolean interrupted() {
        try {
            return EventFd.drain(line) > 0;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** As the handler does. */
    public void acknowledge() throws IOException {
        write(0x2cc, DONE);
        if (client.setIrqs(VfioUserClient.DATA_NONE | VfioUserClient.UNMASK, VfioUserClient.LINE, 0, 1,
                new byte[0]) != 0) {
            throw new AssertionError("unmasking is refused");
        }
    }

    /** What is in the pages of a buffer now, 0 or 1; more than its {@link #BYTES}. */
    public byte[] pages(int which) {
        byte[] bytes = new byte[PAGES[which].length * PAGE];
        for (int i = 0; i < PAGES[which].length; i++) {
            System.arraycopy(ram.memory().asSlice((long) PAGES[which][i] * PAGE, PAGE)
                    .toArray(ValueLayout.JAVA_BYTE), 0, bytes, i * PAGE, PAGE);
        }
        return bytes;
    }

    /** What the n-th buffer holds, from 0. */
    public static byte[] expected(long n) {
        byte[] bytes = new byte[BYTES];
        new NumberedPackets().fill(n, 64, bytes);
        return bytes;
    }

    /** Whether the n-th buffer, which lies in one of the two, arrived whole. */
    public boolean arrived(int n) {
        return Arrays.equals(Arrays.copyOf(pages(n % 2), BYTES), expected(n));
    }

    @Override
    public void close() {
        line.close();
    }
}
