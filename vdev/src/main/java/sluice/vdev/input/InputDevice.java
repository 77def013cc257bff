package sluice.vdev.input;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.device.EventQueue;
import sluice.vdev.device.InputSink;
import sluice.vdev.device.QueueWorker;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.queue.Chain;
import sluice.vdev.queue.Virtqueue;

/**
 * A virtio input device: events of sources go to its driver in order, lights of the driver to listeners.
 *
 * <p>Events reach the driver's buffers on the loop of the device. A queue that stops and starts again, as when a VM is
 * paused, keeps them; a reset drops them.
 */
public final class InputDevice implements VirtioDevice {
    /** Device id (virtio 1.3 §5.8). */
    public static final int VIRTIO_ID = 18;
    static final int EVENTS = 0;
    static final int STATUS = 1;
    /** struct virtio_input_event: type and code of 16 bits, value of 32. */
    static final int EVENT_BYTES = 8;
    /** The most events that wait for a buffer, besides {@link InputState#EVENTS} that wait for this device's loop. */
    static final int MOST_WAITING = 64;

    /** Receives the lights of a keyboard. */
    @FunctionalInterface
    public interface LedListener {
        /**
         * The guest has switched a light, on the device's loop.
         *
         * @param code of Linux: 0 is num lock, 1 caps lock, 2 scroll lock
         */
        void led(int code, boolean on);
    }

    private static final Logger LOG = LoggerFactory.getLogger(InputDevice.class);

    private final String name;
    private final InputKind kind;
    private final InputConfig config;
    private final InputStatistics statistics = new InputStatistics();
    private final InputState state;
    private final EventQueue events = new EventQueue(EVENTS, MOST_WAITING, this::deliver);
    private final byte[] fromDriver = new byte[EVENT_BYTES];
    private final List<LedListener> listeners = new ArrayList<>();
    private final List<Runnable> awaiting = new ArrayList<>();
    private @Nullable DeviceContext context;
    private @Nullable QueueWorker statusWorker;

    /** @param serial at most 128 bytes of UTF-8; empty for none */
    public InputDevice(InputKind kind, String serial, DeviceEnvironment environment) {
        this.kind = kind;
        name = environment.name();
        config = new InputConfig(kind, serial);
        state = new InputState(kind, statistics, () -> environment.loop().execute(this::woken));
        events.register(environment.report(), "events");
        statistics.register(environment.report());
    }

    /** What kind of device it is. */
    public InputKind kind() {
        return kind;
    }

    /**
     * The device for another source. On any thread.
     *
     * @param source its name in the log
     */
    public InputSink open(String source) {
        LOG.debug("{}: {} sends input", name, source);
        return state.open();
    }

    /** Whether a driver runs; without one, events are dropped. On any thread. */
    public boolean isRunning() {
        return state.isRunning();
    }

    /** Adds a listener to the lights; on the device's loop. It is told of those that are on. */
    public void addLeds(LedListener listener) {
        listeners.add(listener);
        for (int code = 0; code < EventCodes.LEDS; code++) {
            if (isLit(code)) listener.led(code, true);
        }
    }

    /** Removes a listener; on the device's loop. */
    public void removeLeds(LedListener listener) {
        listeners.remove(listener);
    }

    /**
     * Runs {@code task} on the device's loop, on which this is called, as soon as the driver has got every event so
     * far, or there is no driver any longer.
     */
    public void whenDelivered(Runnable task) {
        awaiting.add(task);
        tellIfDelivered();
    }

    private void woken() {
        state.awake();
        deliver();
    }

    private void deliver() {
        while (!state.isEmpty()) {
            long event = state.next();
            byte[] bytes = new byte[EVENT_BYTES];
            for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) (event >> (i * Byte.SIZE));
            if (!events.send(bytes)) return;
            state.taken();
        }
        tellIfDelivered();
    }

    private void tellIfDelivered() {
        if (awaiting.isEmpty() || events.waiting() > 0 || !state.isEmpty()) return;
        List<Runnable> tasks = List.copyOf(awaiting);
        awaiting.clear();
        tasks.forEach(Runnable::run);
    }

    @Override
    public int virtioId() {
        return VIRTIO_ID;
    }

    @Override
    public int queueCount() {
        return 2;
    }

    @Override
    public int configSize() {
        return InputConfig.BYTES;
    }

    @Override
    public void readConfig(int offset, byte[] target) {
        config.read(offset, target);
    }

    @Override
    public void writeConfig(int offset, byte[] value) {
        config.write(offset, value);
    }

    @Override
    public void start(long features, DeviceContext given) {
        context = given;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        DeviceContext present = context;
        if (present == null) throw new IllegalStateException("a queue starts before the device");
        if (index == EVENTS) {
            events.start(queue, present);
            state.setRunning(true);
        } else {
            statusWorker = new QueueWorker(index, queue, present, new StatusWork());
        }
    }

    @Override
    public void stopQueue(int index) {
        if (index == EVENTS) {
            events.stop();
        } else {
            statusWorker = null;
        }
    }

    @Override
    public void notified(int index) {
        if (index == EVENTS) {
            events.run();
            tellIfDelivered();
        } else if (statusWorker != null) {
            statusWorker.run();
        }
    }

    private boolean isLit(int code) {
        return ((statistics.leds.getAsLong() >> code) & 1) != 0;
    }

    private void setLed(int code, boolean on) {
        if (code >= EventCodes.LEDS || isLit(code) == on) return;
        statistics.leds.add(on ? 1L << code : -(1L << code));
        List.copyOf(listeners).forEach(listener -> listener.led(code, on));
    }

    /** Events from the driver: lights count, everything else has no effect here. */
    private final class StatusWork implements QueueWorker.Work {
        @Override
        public boolean isHeldBack() {
            return false;
        }

        @Override
        public void execute(Chain chain) {
            statistics.status.increment();
            if (chain.readable().bytes() >= EVENT_BYTES) {
                chain.readable().copyTo(0, fromDriver, 0, EVENT_BYTES);
                int type = u16(0);
                int code = u16(2);
                if (type == EventCodes.EV_LED && kind.has(type, code)) setLed(code, (u16(4) | u16(6)) != 0);
            }
            chain.complete();
        }

        private int u16(int at) {
            return (fromDriver[at] & 0xff) | ((fromDriver[at + 1] & 0xff) << Byte.SIZE);
        }
    }

    @Override
    public void reset() {
        state.setRunning(false);
        events.clear();
        config.reset();
        for (int code = 0; code < EventCodes.LEDS; code++) setLed(code, false);
        tellIfDelivered();
    }

    @Override
    public void close() {
        state.setRunning(false);
    }
}
