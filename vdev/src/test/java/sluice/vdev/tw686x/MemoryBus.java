package sluice.vdev.tw686x;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FrontTranslation;
import sluice.vdev.device.FunctionContext;

/** A bus with some memory from address 0 on, and nothing else. */
final class MemoryBus implements FunctionContext {
    private final MemorySegment memory;

    MemoryBus(byte[] memory) {
        this.memory = MemorySegment.ofArray(memory);
    }

    private boolean has(long address, long length) {
        return address >= 0 && length >= 0 && address <= memory.byteSize() - length;
    }

    @Override
    public Dma read(long address, MemorySegment target, long targetOffset, long length) {
        if (!has(address, length)) return Dma.FAULT;
        MemorySegment.copy(memory, address, target, targetOffset, length);
        return Dma.DONE;
    }

    @Override
    public Dma write(long address, MemorySegment source, long sourceOffset, long length) {
        if (!has(address, length)) return Dma.FAULT;
        MemorySegment.copy(source, sourceOffset, memory, address, length);
        return Dma.DONE;
    }

    @Override
    public void assertInterrupt(boolean asserted) {
        throw new UnsupportedOperationException("a bus without interrupts");
    }

    @Override
    public void signal(int vector) {
        throw new UnsupportedOperationException("a bus without interrupts");
    }

    @Override
    public FrontTranslation memory() {
        throw new UnsupportedOperationException("a bus that copies");
    }

    @Override
    public void readLater(long address, int length, Consumer<byte @Nullable []> done) {
        throw new UnsupportedOperationException("a bus without a front-end");
    }

    @Override
    public void writeLater(long address, byte[] bytes, Consumer<Boolean> done) {
        throw new UnsupportedOperationException("a bus without a front-end");
    }

    @Override
    public Runnable every(long nanos, Runnable task) {
        throw new UnsupportedOperationException("a bus without a clock");
    }

    @Override
    public void delivered(long number) {
        throw new UnsupportedOperationException("a bus that counts nothing");
    }
}
