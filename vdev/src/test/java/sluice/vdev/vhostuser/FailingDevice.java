package sluice.vdev.vhostuser;

import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

import sluice.iommu.AddressRange;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.fixture.TestDevice;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/** A device with one queue that fails in selected calls, and completes every chain with 0 bytes otherwise. */
final class FailingDevice extends TestDevice {
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

    FailingDevice() {
        super(1);
    }

    private synchronized void enter(Call call) {
        if (failing.contains(call)) throw new IllegalStateException("told to fail in " + call.text);
    }

    synchronized void fail(Call... calls) {
        failing.clear();
        failing.addAll(Set.of(calls));
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
        super.start(features, given);
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        enter(Call.START_QUEUE);
        super.startQueue(index, queue);
    }

    @Override
    protected void execute(int index, Chain chain) {
        completed.incrementAndGet();
        super.execute(index, chain);
        // After its work, which was done and has to be given back.
        enter(Call.NOTIFIED);
    }

    @Override
    public void stopQueue(int index) {
        enter(Call.STOP_QUEUE);
        super.stopQueue(index);
    }

    @Override
    public void invalidated(AddressRange range) {
        enter(Call.INVALIDATED);
    }

    @Override
    public void reset() {
        enter(Call.RESET);
    }
}
