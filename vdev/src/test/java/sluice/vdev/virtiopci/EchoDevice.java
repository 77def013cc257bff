package sluice.vdev.virtiopci;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/** A device that answers each chain with what it says, byte for byte, and remembers what was done to it. */
public final class EchoDevice implements VirtioDevice {
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
    private final @Nullable QueueWorker[] workers = new QueueWorker[QUEUES];
    private @Nullable DeviceContext context;

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
    public int queueCount() {
        return QUEUES;
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
        context = given;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        note("start " + index);
        DeviceContext running = context;
        if (running == null) throw new IllegalStateException("a queue starts before the device");
        workers[index] = new QueueWorker(index, queue, running, new Echo());
    }

    private static final class Echo implements QueueWorker.Work {
        @Override
        public boolean isHeldBack() {
            return false;
        }

        @Override
        public void execute(Chain chain) {
            byte[] bytes = new byte[(int) Math.min(chain.readable().bytes(), 4096)];
            chain.readable().copyTo(0, bytes, 0, bytes.length);
            chain.respond(bytes, bytes.length);
        }
    }

    @Override
    public void stopQueue(int index) {
        workers[index] = null;
        note("stop " + index);
    }

    @Override
    public void notified(int index) {
        QueueWorker worker = workers[index];
        if (worker == null) throw new IllegalStateException("queue " + index + " is notified and does not run");
        worker.run();
    }

    @Override
    public void invalidated(AddressRange range) {
        note("invalidated " + range);
    }

    @Override
    public void reset() {
        if (Arrays.stream(workers).anyMatch(worker -> worker != null))
            throw new IllegalStateException("the device is reset and a queue runs");
        note("reset");
    }

    @Override
    public void close() {
        calls.add("close");
    }
}
