package entropy;

import java.util.random.RandomGenerator;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.Counter;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/** Fills whatever buffers its driver offers with random bytes. */
public final class EntropySource implements VirtioDevice, QueueWorker.Work {
    /** Device id (virtio 1.3 §5). */
    private static final int VIRTIO_ID = 4;
    /** A driver that asks for more at a time gets as much, which the specification allows (§5.4.6). */
    static final int MOST_BYTES = 4096;

    private final RandomGenerator random;
    private final byte[] bytes = new byte[MOST_BYTES];
    private final Counter delivered = new Counter();
    private @Nullable DeviceContext context;
    private @Nullable QueueWorker requests;

    /** @param random where the bytes come from */
    public EntropySource(RandomGenerator random) {
        this.random = random;
    }

    /** Bytes that drivers have got. */
    Counter delivered() {
        return delivered;
    }

    @Override
    public int virtioId() {
        return VIRTIO_ID;
    }

    @Override
    public int queueCount() {
        return 1;
    }

    @Override
    public void start(long features, DeviceContext given) {
        context = given;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        DeviceContext present = context;
        if (present == null) throw new IllegalStateException("a queue starts before the device");
        requests = new QueueWorker(index, queue, present, this);
    }

    @Override
    public void stopQueue(int index) {
        requests = null;
    }

    @Override
    public void notified(int index) {
        if (requests != null) requests.run();
    }

    /** Nothing keeps it from taking requests: each is answered at once. */
    @Override
    public boolean isHeldBack() {
        return false;
    }

    @Override
    public void execute(Chain chain) {
        // Only the chain knows whether the driver still wants it, so the answer goes through it.
        int wanted = (int) Math.min(MOST_BYTES, chain.writableBytes());
        random.nextBytes(bytes);
        delivered.add(chain.respond(bytes, wanted));
    }

    @Override
    public void reset() {
        // It has no state that a driver could see.
    }

    @Override
    public void close() {
        // It holds nothing.
    }
}
