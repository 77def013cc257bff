package copyengine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.VfioUserClient;

/** A driver of the copy engine, over the socket. Its numbers come from the documentation, not from the code. */
final class CopyDriver {
    static final int RESET = 0x04;
    static final int STATUS = 0x08;
    static final int INTERRUPT_ENABLE = 0x0c;
    static final int DOORBELL = 0x30;
    static final int ERROR_CODE = 0x34;
    static final int FAULT_ADDRESS = 0x38;
    static final int JOBS_DONE = 0x40;
    static final int JOBS_FAILED = 0x44;
    static final int BYTES = 0x48;

    static final int BUSY = 1;
    static final int DONE = 2;
    static final int ERROR = 4;

    private static final int COMMAND = 4;
    private static final int MEMORY_AND_BUS_MASTER = 6;
    private static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final VfioUserClient client;
    private final MemorySegment memory;

    CopyDriver(VfioUserClient client, MemorySegment memory) throws IOException {
        this.client = client;
        this.memory = memory;
        client.write32(VfioUserClient.CONFIG_REGION, COMMAND, MEMORY_AND_BUS_MASTER);
    }

    void withoutBusMaster() throws IOException {
        client.write32(VfioUserClient.CONFIG_REGION, COMMAND, 2);
    }

    int read(int register) throws IOException {
        return client.read32(0, register);
    }

    long read64(int register) throws IOException {
        return Integer.toUnsignedLong(read(register)) | (long) read(register + 4) << 32;
    }

    void write(int register, int value) throws IOException {
        client.write32(0, register, value);
    }

    /** Writes a list at a guest address. */
    void list(long address, List<Buffer> pieces) {
        for (int i = 0; i < pieces.size(); i++)
            entry(address + 16L * i, pieces.get(i).address(), (int) pieces.get(i).length(), 0);
    }

    void entry(long at, long address, int length, int flags) {
        memory.set(LE64, at, address);
        memory.set(LE32, at + 8, length);
        memory.set(LE32, at + 12, flags);
    }

    /** Programs the addresses of the lists. */
    void lists(long sources, int sourceCount, long targets, int targetCount) throws IOException {
        write(0x10, (int) sources);
        write(0x14, (int) (sources >>> 32));
        write(0x18, sourceCount);
        write(0x20, (int) targets);
        write(0x24, (int) (targets >>> 32));
        write(0x28, targetCount);
    }

    void ring() throws IOException {
        write(DOORBELL, 1);
    }

    /** Waits for the end of a job; returns its status. */
    int awaitEnd() throws IOException {
        int[] status = new int[1];
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                status[0] = read(STATUS);
                return (status[0] & BUSY) == 0;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }, "the end of a job");
        return status[0];
    }
}
