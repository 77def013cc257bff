package sluice.vdev.vhostuser;

import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/** A device with one queue that fails in the calls it is told to, and completes every chain with nothing otherwise. */
final class FailingDevice implements VirtioDevice {
    /** A call of the interface. */
    enum Call {
        READ_CONFIG("readConfig"),
        WRITE_CONFIG("writeConfig"),
        START("start"),
        START_QUEUE("startQueue"),
        STOP_QUEUE(
                "stopQueue"),
        NOTIFIED("notified"),
        INVALIDATED("invalidated"),
        RESET("reset");

        final String text;

        Call(String text) {
            this.text = text;
        }
    }

    /** In which calls it fails; changed by the test while nothing is under way. */
    final Set<Call> failing = EnumSet.noneOf(Call.class);
    /** Chains that it has completed. */
    final AtomicInteger completed = new AtomicInteger();
    private @Nullable DeviceContext context;
    private @Nullable QueueWorker worker;

    private synchronized void enter(Call call) {
        if (failing.contains(call)) throw new IllegalStateException("told to fail in " + call.text);
    }

    synchronized void fail(Call... calls) {
        failing.clear();
        failing.addAll(Set.of(calls));
    }

    @Override
    public int virtioId() {
        return 42;
    }

    @Override
    public long features() {
        return 0;
    }

    @Override
    public int queueCount() {
        return 1;
    }

    @Override
    public int configSize() {
        return 8;
    }

    @Override
    public void readConfig(int offset, byte[] target) {
        enter(Call.READ_CONFIG);
    }

    @Override
    public void writeConfig(int offset, byte[] value) {
        enter(Call.WRITE_CONFIG);
    }

    @Override
    public void start(long features, DeviceContext given) {
        enter(Call.START);
        context = given;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        enter(Call.START_QUEUE);
        DeviceContext running = context;
        if (running == null) throw new IllegalStateException("a queue starts before the device");
        worker = new QueueWorker(index, queue, running, new QueueWorker.Work() {
            @Override
            public boolean isHeldBack() {
                return false;
            }

            @Override
            public void execute(Chain chain) {
                completed.incrementAndGet();
                chain.complete();
                // After its work, which was done and has to be given back.
                enter(Call.NOTIFIED);
            }
        });
    }

    @Override
    public void stopQueue(int index) {
        enter(Call.STOP_QUEUE);
        worker = null;
    }

    @Override
    public void notified(int index) {
        QueueWorker running = worker;
        if (running != null) running.run();
    }

    @Override
    public void invalidated(AddressRange range) {
        enter(Call.INVALIDATED);
    }

    @Override
    public void reset() {
        enter(Call.RESET);
    }

    @Override
    public void close() {}
}
