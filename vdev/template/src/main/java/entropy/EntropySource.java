package entropy;

import java.util.random.RandomGenerator;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.Counter;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/** Fills the buffers of its driver with random bytes. */
public final class EntropySource implements VirtioDevice, QueueWorker.Work {
    /** Device id (virtio 1.3 §5). */
    private static final int VIRTIO_ID = 4;
    /** Limit of one answer; a driver that requests more gets this much, as the specification permits (§5.4.6). */
    static final int MOST_BYTES = 4096;

    private final RandomGenerator random;
    private final byte[] bytes = new byte[MOST_BYTES];
    private final Counter delivered = new Counter();
    private @Nullable DeviceContext context;
    private @Nullable QueueWorker requests;

    /** @param random source of the bytes */
    public EntropySource(RandomGenerator random) {
        this.random = random;
    }

    /** Bytes delivered to drivers. */
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

    /** Never held back: each request is answered at once. */
    @Override
    public boolean isHeldBack() {
        return false;
    }

    @Override
    public void execute(Chain chain) {
        // The chain writes the answer, if its queue still runs.
        int wanted = (int) Math.min(MOST_BYTES, chain.writableBytes());
        random.nextBytes(bytes);
        delivered.add(chain.respond(bytes, wanted));
    }

    @Override
    public void reset() {
        // No state.
    }

    @Override
    public void close() {
        // No resources.
    }
}
