package sluice.vdev.feed;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.concurrent.TimeUnit;

import io.netty.channel.IoEventLoop;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Evdev;
import sluice.vdev.device.InputSink;
import sluice.vdev.input.EventCodes;
import sluice.vdev.input.InputDevice;
import sluice.vdev.io.EventWatch;

/**
 * Reads a node of the host's input layer on the device's loop, in turns of limited length, and passes lights of the
 * guest back to it. A node that is unplugged is reported, and what it held pressed is released.
 */
final class EvdevReader implements Closeable {
    /** Events of one read; as many as the kernel keeps for most nodes. */
    static final int EVENTS = 64;
    private static final int READS_PER_TURN = 16;
    private static final int CLOSE_SECONDS = 5;
    private static final Logger LOG = LoggerFactory.getLogger(EvdevReader.class);

    private final String name;
    private final Evdev node;
    private final InputDevice device;
    private final IoEventLoop loop;
    private final InputDevice.LedListener leds = this::led;
    /** Lights that the node has. */
    private final BitSet lights;
    /** Whether the node is to be grabbed as soon as no key is pressed. */
    private boolean grabLater;
    private InputSink sink;
    private EvdevFilter filter;
    private @Nullable EventWatch watch;
    private boolean ended;

    /** The axes of a node, null for those that it does not have. */
    record Axes(Evdev.@Nullable Axis horizontal, Evdev.@Nullable Axis vertical) {}

    private EvdevReader(String name, Evdev node, Axes axes, BitSet lights, InputDevice device, IoEventLoop loop,
            boolean grabLater) {
        this.name = name;
        this.node = node;
        this.lights = lights;
        this.device = device;
        this.loop = loop;
        this.grabLater = grabLater;
        sink = device.open(name);
        filter = new EvdevFilter(axes.horizontal, axes.vertical, sink);
    }

    /**
     * Opens a node and starts to read it.
     *
     * @param grab whether no other program of the host shall see its events
     * @param loop of the device
     * @throws IOException it cannot be opened, or does not have what the device needs; the message is a sentence
     */
    static EvdevReader open(Path path, boolean grab, InputDevice device, IoEventLoop loop) throws IOException {
        Evdev node = openNode(path);
        boolean started = false;
        try {
            String name = "%s (%s)".formatted(path, node.name().replaceAll("\\p{Cntrl}", "?"));
            Axes axes = axesFor(node, name, device);
            boolean grabLater = grab && !isGrabbed(node, name);
            if (grabLater) LOG.info("{}: is grabbed when all of its keys are released", name);
            EvdevReader reader = new EvdevReader(name, node, axes, node.codes(EventCodes.EV_LED), device, loop,
                    grabLater);
            reader.start();
            started = true;
            return reader;
        } finally {
            if (!started) node.close();
        }
    }

    /** Reads what any descriptor delivers. */
    static EvdevReader of(String name, Evdev node, Axes axes, InputDevice device, IoEventLoop loop) {
        EvdevReader reader = new EvdevReader(name, node, axes, new BitSet(), device, loop, false);
        reader.start();
        return reader;
    }

    private static Evdev openNode(Path path) throws IOException {
        try {
            return Evdev.open(path, EVENTS);
        } catch (ErrnoException e) {
            throw e.because(switch (e.errno()) {
                case Errno.ENOENT -> "evdev=%s: there is no such file; /proc/bus/input/devices lists the nodes"
                        .formatted(path);
                case Errno.EACCES -> "evdev=%s: this user may not read it; the group \"input\" usually may"
                        .formatted(path);
                case Errno.ENOTTY, Errno.EINVAL ->
                    "evdev=%s is not a node of the input layer, such as /dev/input/event0"
                            .formatted(path);
                default -> "evdev=%s cannot be opened".formatted(path);
            });
        }
    }

    private static Axes axesFor(Evdev node, String name, InputDevice device) throws IOException {
        BitSet absolute = node.codes(EventCodes.EV_ABS);
        switch (device.kind()) {
            case KEYBOARD -> {
                int key = node.codes(EventCodes.EV_KEY).nextSetBit(1);
                if (key >= 0 && key <= EventCodes.LAST_KEY) return new Axes(null, null);
                throw new IOException("evdev=%s has no keys; kind=keyboard needs a keyboard".formatted(name));
            }
            case TABLET -> {
                if (absolute.get(EventCodes.ABS_X) && absolute.get(EventCodes.ABS_Y))
                    return new Axes(node.axis(EventCodes.ABS_X), node.axis(EventCodes.ABS_Y));
                if (node.codes(EventCodes.EV_REL).get(0)) return new Axes(null, null);
                throw new IOException("evdev=%s does not point; kind=tablet needs a mouse or a tablet".formatted(name));
            }
            case TOUCH -> {
                if (absolute.get(EventCodes.ABS_MT_SLOT) && absolute.get(EventCodes.ABS_MT_POSITION_X)) {
                    return new Axes(node.axis(EventCodes.ABS_MT_POSITION_X), node.axis(EventCodes.ABS_MT_POSITION_Y));
                }
                throw new IOException(
                        "evdev=%s has no slots for fingers; kind=touch needs a touchscreen (multi-touch protocol B)"
                                .formatted(name));
            }
        }
        throw new IllegalStateException(device.kind() + " is not known here");
    }

    /**
     * Grabs the node, unless a key is pressed: the program that saw the press would never see the release, such as that
     * of the key by which a shell started this.
     */
    private static boolean isGrabbed(Evdev node, String name) throws IOException {
        if (!node.pressed().isEmpty()) return false;
        try {
            node.grab();
        } catch (ErrnoException e) {
            throw e.because("evdev=%s cannot be grabbed; another program has done so".formatted(name));
        }
        return true;
    }

    private void start() {
        loop.execute(() -> {
            watch = EventWatch.start(loop, node.fd(), this::readTurn);
            device.addLeds(leds);
        });
    }

    private void readTurn() {
        try {
            for (int i = 0; i < READS_PER_TURN && !ended; i++) {
                int count = node.read();
                if (count == 0) return;
                if (count < 0) {
                    end("has ended");
                    return;
                }
                take(count);
            }
            if (!ended) loop.execute(this::readTurn);
        } catch (ErrnoException e) {
            end(e.errno() == Errno.ENODEV ? "was unplugged" : "cannot be read: " + e.getMessage());
        }
    }

    private void take(int count) {
        for (int i = 0; i < count; i++) {
            if (filter.take(node.type(i), node.code(i), node.value(i))) continue;
            LOG.warn("{}: the host has lost events; everything pressed is released", name);
            sink.close();
            sink = device.open(name);
            filter = filter.renewed(sink);
        }
        if (grabLater) grab();
    }

    private void grab() {
        try {
            grabLater = !isGrabbed(node, name);
        } catch (IOException e) {
            grabLater = false;
            LOG.error("{}", e.getMessage());
        }
    }

    private void led(int code, boolean on) {
        if (!lights.get(code)) return;
        try {
            node.write(EventCodes.EV_LED, code, on ? 1 : 0);
            node.write(EventCodes.EV_SYN, EventCodes.SYN_REPORT, 0);
        } catch (ErrnoException e) {
            lights.clear();
            LOG.warn("{}: its lights stay as they are: {}", name, e.getMessage());
        }
    }

    private void end(String why) {
        LOG.warn("{} {}: what it held is released; start again to use it again", name, why);
        stop();
    }

    private void stop() {
        if (ended) return;
        ended = true;
        device.removeLeds(leds);
        sink.close();
        EventWatch open = watch;
        if (open != null) open.close();
        node.close();
    }

    /** Stops to read, and closes the node. Not on the device's loop. */
    @Override
    public void close() {
        loop.submit(this::stop).awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    }
}
