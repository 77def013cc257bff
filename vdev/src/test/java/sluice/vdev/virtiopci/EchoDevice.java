package sluice.vdev.virtiopci;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.fixture.TestDevice;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/** A device that answers each chain with what it says, byte for byte, and remembers what was done to it. */
public final class EchoDevice extends TestDevice {
    static final int ID = 16;
    static final int QUEUES = 3;
    static final long FEATURE = 1L << 1;

    /** Configuration space; a test may change it. */
    final byte[] config = { 1, 2, 3, 4, 5, 6, 7, 8 };
    /** What was called, but for notifications. */
    final List<String> calls = new ArrayList<>();
    long features;
    /** What it says while it fails: a call that begins so, or null. */
    volatile @Nullable String failing;

    /** A device that nothing has been done to. */
    public EchoDevice() {
        super(QUEUES);
    }

    private void note(String call) {
        calls.add(call);
        String told = failing;
        if (told != null && call.startsWith(told)) throw new IllegalStateException("told to fail in " + call);
    }

    @Override
    public int virtioId() {
        return ID;
    }

    @Override
    public long features() {
        return FEATURE;
    }

    @Override
    public int configSize() {
        return config.length;
    }

    @Override
    public void readConfig(int offset, byte[] target) {
        for (int i = 0; i < target.length && offset + i < config.length; i++) target[i] = config[offset + i];
    }

    @Override
    public void writeConfig(int offset, byte[] value) {
        for (int i = 0; i < value.length && offset + i < config.length; i++) config[offset + i] = value[i];
    }

    @Override
    public void start(long negotiated, DeviceContext given) {
        note("start");
        features = negotiated;
        super.start(negotiated, given);
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        note("start " + index);
        super.startQueue(index, queue);
    }

    @Override
    protected void execute(int index, Chain chain) {
        byte[] bytes = new byte[(int) Math.min(chain.readable().bytes(), 4096)];
        chain.readable().copyTo(0, bytes, 0, bytes.length);
        chain.respond(bytes, bytes.length);
    }

    @Override
    public void stopQueue(int index) {
        super.stopQueue(index);
        note("stop " + index);
    }

    @Override
    public void notified(int index) {
        if (!runs(index)) throw new IllegalStateException("queue " + index + " is notified and does not run");
        super.notified(index);
    }

    @Override
    public void invalidated(AddressRange range) {
        note("invalidated " + range);
    }

    @Override
    public void reset() {
        if (IntStream.range(0, QUEUES).anyMatch(this::runs))
            throw new IllegalStateException("the device is reset and a queue runs");
        note("reset");
    }

    @Override
    public void close() {
        calls.add("close");
    }
}
