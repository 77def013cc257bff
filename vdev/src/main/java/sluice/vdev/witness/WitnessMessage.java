package sluice.vdev.witness;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

import sluice.dmacore.ownership.Direction;
import sluice.dmacore.witness.KernelCall;

/**
 * A message of the guest's module: {@code struct witness_message} of {@code guest-tests/kmod/witness/message.h}, little-endian, in one
 * page of guest memory. It is copied once, and its reader checks all fields.
 *
 * <p>A list of more than {@link #MOST_ENTRIES} entries is sent in consecutive messages.
 */
final class WitnessMessage {
    static final int BYTES = 4096;
    static final int HEADER_BYTES = 136;
    static final int ENTRY_BYTES = 16;
    static final int MOST_ENTRIES = (BYTES - HEADER_BYTES) / ENTRY_BYTES;

    static final int SEQUENCE = 0;
    static final int OPERATION = 4;
    static final int DIRECTION = 8;
    static final int ATTRIBUTES = 12;
    static final int REQUESTER = 16;
    static final int NUMBER = 20;
    static final int TOTAL = 24;
    static final int FIRST = 28;
    static final int COUNT = 32;
    static final int FLAGS = 36;
    static final int CPU = 40;
    static final int PID = 44;
    static final int NANOS = 48;
    static final int EXTRA = 56;
    static final int SIZE = 64;
    static final int NAME = 72;
    static final int NAME_BYTES = 28;
    static final int CALL = 100;
    static final int CALL_BYTES = 28;
    static final int CHAIN = 128;
    static final int ENTRY_LENGTH = 8;

    /**
     * Of {@link #FLAGS}: in a hard interrupt, in a soft interrupt; with HELLO, that a driver has had the device before; with MAP,
     * that the addresses are those of a bounce buffer.
     */
    static final int FLAG_HARD_INTERRUPT = 1;
    static final int FLAG_SOFT_INTERRUPT = 1 << 1;
    static final int FLAG_BOUND = 1 << 2;
    static final int FLAG_BOUNCED = 1 << 3;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final byte[] bytes = new byte[BYTES];
    private final MemorySegment segment = MemorySegment.ofArray(bytes);

    /** The buffer for a message. */
    MemorySegment segment() {
        return segment;
    }

    int sequence() {
        return segment.get(INT, SEQUENCE);
    }

    int operation() {
        return segment.get(INT, OPERATION);
    }

    /** enum dma_data_direction. */
    int direction() {
        return segment.get(INT, DIRECTION);
    }

    /** DMA_ATTR_*. */
    int attributes() {
        return segment.get(INT, ATTRIBUTES);
    }

    /** Domain, bus and function of the PCI device, or -1. */
    int requester() {
        return segment.get(INT, REQUESTER);
    }

    /** The number in the PCI device's capability, or 0 if it has none. */
    int number() {
        return segment.get(INT, NUMBER);
    }

    /** Entries of the whole list, 0 to 2^32 − 1. */
    long total() {
        return Integer.toUnsignedLong(segment.get(INT, TOTAL));
    }

    /** Index of the first entry in this message. */
    long first() {
        return Integer.toUnsignedLong(segment.get(INT, FIRST));
    }

    /** Entries here, 0 to 2^32 − 1; more than {@link #MOST_ENTRIES} is an error of the sender. */
    long count() {
        return Integer.toUnsignedLong(segment.get(INT, COUNT));
    }

    boolean has(int flag) {
        return (segment.get(INT, FLAGS) & flag) != 0;
    }

    /** The result of dev_name(). */
    String name() {
        return text(NAME, NAME_BYTES);
    }

    /** The called kernel function. */
    String call() {
        return text(CALL, CALL_BYTES);
    }

    /**
     * As a call of the kernel.
     *
     * @throws RefusedException its direction is none
     */
    KernelCall toCall(String chain) throws RefusedException {
        Direction direction = switch (direction()) {
            case 0 -> Direction.BIDIRECTIONAL;
            case 1 -> Direction.TO_DEVICE;
            case 2 -> Direction.FROM_DEVICE;
            default -> throw new RefusedException("direction %d is not known".formatted(direction()));
        };
        KernelCall call = new KernelCall(call(), direction, KernelCall.attributes(attributes()), has(FLAG_BOUNCED),
                chain);
        Operation operation = Operation.numbered(operation());
        return switch (operation) {
            case MAP, UNMAP, SYNC_FOR_CPU, SYNC_FOR_DEVICE -> call.ofList(size());
            case ALLOC, FREE -> call.ofMemory(extra());
            case HELLO, CPU_BEGIN, CPU_END, GOODBYE, UNBOUND, CHAIN -> call;
            case null -> call;
        };
    }

    /** What the guest's CLOCK_MONOTONIC showed when it told, in nanoseconds; whatever the guest says. */
    long nanos() {
        return segment.get(LONG, NANOS);
    }

    /** The inode of a dma-buf; of allocated memory the CPU's address. */
    long extra() {
        return segment.get(LONG, EXTRA);
    }

    /** The size of a dma-buf, or of a call chain's text, in bytes; the entries of a list as the driver counts them. */
    long size() {
        return segment.get(LONG, SIZE);
    }

    /** The number of its call chain, or 0. */
    int chain() {
        return segment.get(INT, CHAIN);
    }

    /** What is in the place of entries, of as many bytes as the message says and have been copied. */
    String trailer() {
        return new String(bytes, HEADER_BYTES, Math.clamp(size(), 0, BYTES - HEADER_BYTES),
                StandardCharsets.US_ASCII);
    }

    /** Text up to the first NUL; other characters than printable ASCII become question marks, because it is logged. */
    private String text(int at, int most) {
        int end = at;
        while (end < at + most && bytes[end] != 0)
            end++;
        return new String(bytes, at, end - at, StandardCharsets.US_ASCII).replaceAll("[^\\x20-\\x7e]", "?");
    }

    long address(int entry) {
        return segment.get(LONG, HEADER_BYTES + (long) entry * ENTRY_BYTES);
    }

    /** In bytes, 0 to 2^32 − 1. */
    long length(int entry) {
        return Integer.toUnsignedLong(segment.get(INT, HEADER_BYTES + (long) entry * ENTRY_BYTES + ENTRY_LENGTH));
    }
}
