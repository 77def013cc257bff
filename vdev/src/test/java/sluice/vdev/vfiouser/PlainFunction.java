package sluice.vdev.vfiouser;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMappings;
import sluice.iommu.AddressRange;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.PciFunction;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.BarMemory;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.pci.Msix;

/**
 * A function with one of everything: registers in BAR 0, memory in BAR 2, an interrupt line, four vectors, and a DMA engine.
 * The engine's registers: 0x10 and 0x14 address, 0x18 length, 0x1c command; 0x20 is its state. It reads into and writes from
 * its own buffer of 64 KiB.
 */
final class PlainFunction implements PciFunction, AutoCloseable {
    static final int BAR_BYTES = 8192;
    static final int TABLE = 4096;
    static final int PENDING = 6144;
    static final int ADDRESS = 0x10;
    static final int LENGTH = 0x18;
    static final int COMMAND = 0x1c;
    static final int STATE = 0x20;
    static final int VECTOR_COUNT = 4;
    static final int MEMORY_BYTES = 65536;

    static final int READ = 1;
    static final int WRITE = 2;
    static final int ASSERT = 3;
    static final int DEASSERT = 4;
    static final int FAIL = 5;
    static final int READ_LATER = 6;
    static final int WRITE_LATER = 7;
    static final int SIGNAL = 16;

    static final int STATE_WAITING = 100;
    static final int STATE_REFUSED = 101;

    /** An access as the function saw it. */
    record Seen(long offset, int size, long value) {}

    private final List<Bar> bars;
    private final ConfigSpace config;
    private final BarMemory memory;
    private final int[] registers = new int[16];
    final byte[] buffer = new byte[MEMORY_BYTES];
    final List<Seen> writes = Collections.synchronizedList(new ArrayList<>());
    private @Nullable FunctionContext context;
    final AtomicInteger resets = new AtomicInteger();
    final AtomicInteger ends = new AtomicInteger();
    private volatile boolean careful;
    /** Fails in every call that a front-end waits for, or that its end is made of. */
    volatile boolean failing;

    PlainFunction() throws IOException {
        Fd file = Memfd.create("bar", 0);
        Memfd.resize(file, MEMORY_BYTES);
        memory = new BarMemory(file, FileMappings.ofProcess().map(file));
        bars = List.of(Bar.registers(0, BAR_BYTES), Bar.memory(2, Bar.Kind.PREFETCHABLE_64, MEMORY_BYTES, memory));
        config = new ConfigLayout(0x1af4, 0x10f0, 0xff0000, 1).subsystem(0x1af4, 1).bars(bars).interruptPin(1)
                .powerManagement().msix(new Msix(VECTOR_COUNT, 0, TABLE, PENDING)).build();
    }

    /** Does not fail any more, regardless of its settings. */
    void beCareful() {
        careful = true;
    }

    @Override
    public ConfigSpace config() {
        return config;
    }

    @Override
    public List<Bar> bars() {
        return bars;
    }

    MemorySegment memory() {
        return memory.mapping().segment();
    }

    @Override
    public void start(FunctionContext given) {
        context = given;
    }

    @Override
    public long read(int bar, long offset, int size) {
        if (offset == 0x3c && !careful) throw new IllegalStateException("a register that fails");
        return offset < 64 ? registers[(int) offset / 4] >>> (8 * (offset & 3)) : 0xeeee_eeeeL;
    }

    @Override
    public void write(int bar, long offset, int size, long value) {
        writes.add(new Seen(offset, size, value));
        if (offset >= 64 || size != 4) return;
        registers[(int) offset / 4] = (int) value;
        FunctionContext present = context;
        if (offset == COMMAND && present != null && (!careful || isSensible((int) value)))
            command((int) value, present);
    }

    private boolean isSensible(int command) {
        int length = registers[LENGTH / 4];
        return command != FAIL && command >= READ && command < SIGNAL + VECTOR_COUNT
                && (command <= WRITE_LATER || command >= SIGNAL) && length >= 0 && length <= MEMORY_BYTES;
    }

    private void command(int command, FunctionContext present) {
        long address = Integer.toUnsignedLong(registers[ADDRESS / 4])
                | Integer.toUnsignedLong(registers[ADDRESS / 4 + 1]) << 32;
        int length = registers[LENGTH / 4];
        MemorySegment local = MemorySegment.ofArray(buffer);
        switch (command) {
            case READ -> state(number(present.read(address, local, 0, length)));
            case WRITE -> state(number(present.write(address, local, 0, length)));
            case ASSERT -> present.assertInterrupt(true);
            case DEASSERT -> present.assertInterrupt(false);
            case FAIL -> throw new IllegalStateException("a command that fails");
            case READ_LATER -> {
                state(STATE_WAITING);
                present.readLater(address, length, bytes -> {
                    if (bytes != null) System.arraycopy(bytes, 0, buffer, 0, length);
                    state(bytes == null ? STATE_REFUSED : 0);
                });
            }
            case WRITE_LATER -> {
                state(STATE_WAITING);
                present.writeLater(address, Arrays.copyOf(buffer, length),
                        done -> state(done ? 0 : STATE_REFUSED));
            }
            default -> present.signal(command - SIGNAL);
        }
    }

    private static int number(FunctionContext.Dma outcome) {
        return switch (outcome) {
            case DONE -> 0;
            case FAULT -> 1;
            case ONLY_LATER -> 2;
            case NOT_BUS_MASTER -> 3;
        };
    }

    private void state(int value) {
        registers[STATE / 4] = value;
    }

    @Override
    public void reset() {
        Arrays.fill(registers, 0);
        resets.incrementAndGet();
        fail();
    }

    private void fail() {
        if (failing) throw new IllegalStateException("told to fail");
    }

    @Override
    public void configRead(int offset, int length) {
        fail();
    }

    @Override
    public void configWritten(int offset, int length) {
        fail();
    }

    @Override
    public void unmapped(AddressRange range) {
        fail();
    }

    @Override
    public void disconnected() {
        ends.incrementAndGet();
        fail();
    }

    @Override
    public void close() {
        memory.mapping().release();
        memory.file().close();
    }
}
