package sluice.guest;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * The driver's side of a split virtqueue (virtio 1.3, 2.7) in a qtest machine's memory. Descriptors are used
 * round-robin; tests may also write to the rings directly.
 */
public final class SplitQueue {
    private static final int DESCRIPTOR = 16;
    private static final int NEXT = 1;
    private static final int WRITE = 2;
    private static final int USED_ALIGN = 4096;
    private static final long PAUSE_NANOS = 100_000;

    private final QtestSession qtest;
    private final int size;
    private final long base;
    private final long notify;
    private final int index;
    private int nextDescriptor;
    private int availableIndex;
    private int usedIndex;

    /** A piece of guest memory. */
    public record Buffer(long address, int length) {}

    /**
     * An entry of the used ring.
     *
     * @param head the first descriptor of the chain
     * @param length number of bytes written, as reported by the device
     */
    public record Used(int head, int length) {}

    SplitQueue(QtestSession qtest, int size, long base, long notify, int index) throws IOException {
        if (Integer.bitCount(size) != 1)
            throw new IllegalArgumentException("a queue size is a power of two: " + size);
        if ((base & (USED_ALIGN - 1)) != 0)
            throw new IllegalArgumentException("the rings must be page aligned");
        this.qtest = qtest;
        this.size = size;
        this.base = base;
        this.notify = notify;
        this.index = index;
        qtest.write(base, new byte[bytes(size)]);
    }

    /** Memory of the three rings with this many entries, in bytes. */
    public static int bytes(int size) {
        return usedOffset(size) + 6 + 8 * size;
    }

    private static int usedOffset(int size) {
        int end = DESCRIPTOR * size + 6 + 2 * size;
        return (end + USED_ALIGN - 1) & -USED_ALIGN;
    }

    /** Address of the descriptor table. */
    public long descriptors() {
        return base;
    }

    /** Address of the available ring. */
    public long available() {
        return base + (long) DESCRIPTOR * size;
    }

    /** Address of the used ring. */
    public long used() {
        return base + usedOffset(size);
    }

    /**
     * Makes a chain available, without a notification.
     *
     * @param readable device-readable buffers, first
     * @param writable device-writable buffers, after them
     * @return the chain's head
     */
    public int add(List<Buffer> readable, List<Buffer> writable) throws IOException {
        List<Buffer> all = new ArrayList<>(readable);
        all.addAll(writable);
        if (all.isEmpty() || all.size() > size) {
            throw new IllegalArgumentException("a chain has 1 to " + size + " buffers, not " + all.size());
        }
        int head = nextDescriptor;
        for (int i = 0; i < all.size(); i++) {
            Buffer buffer = all.get(i);
            long at = base + (long) DESCRIPTOR * nextDescriptor;
            nextDescriptor = (nextDescriptor + 1) % size;
            boolean last = i == all.size() - 1;
            qtest.writeq(at, buffer.address());
            qtest.writel(at + 8, buffer.length());
            qtest.writew(at + 12, (last ? 0 : NEXT) | (i < readable.size() ? 0 : WRITE));
            qtest.writew(at + 14, last ? 0 : nextDescriptor);
        }
        qtest.writew(available() + 4 + 2L * (availableIndex % size), head);
        availableIndex = (availableIndex + 1) & 0xFFFF;
        qtest.writew(available() + 2, availableIndex);
        return head;
    }

    /** Notifies the device. */
    public void kick() throws IOException {
        qtest.writew(notify, index);
    }

    /**
     * Waits for the next used entry.
     *
     * @throws IOException timeout
     */
    public Used take(Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        while ((qtest.readw(used() + 2) & 0xFFFF) == usedIndex) {
            if (System.nanoTime() > deadline) {
                throw new IOException("queue " + index + ": nothing came back within " + limit.toMillis()
                        + " ms, the used index is still " + usedIndex);
            }
            LockSupport.parkNanos(PAUSE_NANOS); // memory cannot be waited for over qtest
        }
        long entry = used() + 4 + 8L * (usedIndex % size);
        usedIndex = (usedIndex + 1) & 0xFFFF;
        return new Used(qtest.readl(entry), qtest.readl(entry + 4));
    }

    /**
     * One command and its answer: writes the request to memory, makes it available, kicks and waits.
     *
     * @param memory address of the request, followed by the response
     * @param room size of the response buffer in bytes
     * @return the response, with the length reported by the device
     * @throws IOException timeout, a response to another chain, or one that exceeds the buffer
     */
    public byte[] exchange(byte[] request, long memory, int room, Duration limit) throws IOException {
        long response = (memory + request.length + 15) & -16;
        qtest.write(memory, request);
        int head = add(List.of(new Buffer(memory, request.length)), List.of(new Buffer(response, room)));
        kick();
        Used done = take(limit);
        if (done.head() != head)
            throw new IOException("the used entry is for chain " + done.head() + ", not " + head);
        if (done.length() < 0 || done.length() > room) {
            throw new IOException("the device says it wrote " + done.length() + " bytes, the room was " + room);
        }
        return qtest.read(response, done.length());
    }
}
