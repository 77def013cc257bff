package sluice.vdev.media;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.IntFunction;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.budget.Share;
import sluice.iommu.AddressRange;
import sluice.vdev.device.DeviceContext;
import sluice.vdev.device.DeviceEnvironment;
import sluice.vdev.device.DeviceLoop;
import sluice.vdev.device.EventQueue;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.device.VirtioDevice;
import sluice.vdev.queue.Polled;
import sluice.vdev.queue.Virtqueue;

/** A virtio-media device that decodes or encodes video (virtio 1.4 §5.22). */
public final class MediaDevice implements VirtioDevice, CommandQueue.Device {
    private static final Logger LOG = LoggerFactory.getLogger(MediaDevice.class);
    private static final int EVENTS = 1;
    private static final int REGION = 0;
    private static final int CONFIG_BYTES = 40;
    private static final int CAPABILITIES = V4l2.CAP_VIDEO_M2M_MPLANE | V4l2.CAP_EXT_PIX_FORMAT
            | V4l2.CAP_STREAMING;

    private final String name;
    private final int id;
    private final DeviceLoop loop;
    private final long watchNanos;
    private final SharedRegion region;
    private final FrameArena arena;
    private final Share share;
    private final CommandNames names;
    private final MediaSpace space;
    private final IntFunction<Session> maker;
    private final CommandDecoder decoder = new CommandDecoder();
    private final Views views = new Views(decoder.bytes());
    private final CommandTimes times = new CommandTimes();
    private final Sessions sessions;
    private final EventQueue events = new EventQueue(EVENTS, 1, this::sendEvents);
    private final Payload event = new Payload(SessionEvents.DQBUF_BYTES);
    private final byte[] config;
    private @Nullable DeviceContext context;
    private @Nullable CommandQueue commands;
    private @Nullable Runnable watchdog;
    private CommandQueue.@Nullable Shown shown;
    private long resets;
    private final byte[] dqbufBytes = new byte[SessionEvents.DQBUF_BYTES];
    private final byte[] eventBytes = new byte[SessionEvents.EVENT_BYTES];
    private final byte[] errorBytes = new byte[SessionEvents.ERROR_BYTES];
    /** The buffer whose event waits, or is being sent. */
    private @Nullable MediaBuffer sending;
    private int sendingEpoch;

    /** Makes sessions. */
    @FunctionalInterface
    private interface Maker {
        Session make(int number, Views views, FrameArena arena, Share share, GuestBuffers guest);
    }

    /**
     * A decoder.
     *
     * @param formats that it decodes, at least one; a session begins with the first
     */
    public static MediaDevice decoder(MediaOptions options, List<CodedFormat> formats, DeviceEnvironment environment) {
        List<CodedFormat> coded = List.copyOf(formats);
        List<ControlInfo> controls = ControlSets.ofDecoder(coded);
        return new MediaDevice("Sluice decoder", options, environment, (number, views, arena, share, guest) -> Session
                .decoder(number, views, coded, new Controls(controls), arena, share, guest));
    }

    /**
     * An encoder.
     *
     * @param formats that it encodes to, at least one; a session begins with the first
     */
    public static MediaDevice encoder(MediaOptions options, List<EncodedFormat> formats,
            DeviceEnvironment environment) {
        List<EncodedFormat> coded = List.copyOf(formats);
        List<ControlInfo> controls = EncoderControls.of(coded);
        return new MediaDevice("Sluice encoder", options, environment, (number, views, arena, share, guest) -> Session
                .encoder(number, views, coded, new Controls(controls), arena, share, guest));
    }

    private MediaDevice(String card, MediaOptions options, DeviceEnvironment environment, Maker make) {
        config = ByteBuffer.allocate(CONFIG_BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(CAPABILITIES)
                .putInt(0).put(card.getBytes(StandardCharsets.UTF_8)).array();
        name = environment.name();
        loop = environment.loop();
        id = options.virtioId();
        share = environment.share();
        space = new MediaSpace(environment);
        names = new CommandNames(environment.core());
        region = new SharedRegion(REGION, options.arenaBytes());
        arena = new FrameArena(options.arenaBytes(), share);
        watchNanos = options.longestNanos() / 4;
        maker = number -> make.make(number, views, arena, share, space);
        sessions = new Sessions(name, environment.workers(), share, options.sessions(), options.longestNanos(),
                maker::apply, this::changed);
        sessions.register(environment.report());
        events.register(environment.report(), "events");
        times.register(environment.report());
    }

    @Override
    public int virtioId() {
        return id;
    }

    @Override
    public List<SharedRegion> sharedRegions() {
        return List.of(region);
    }

    @Override
    public int queueCount() {
        return 2;
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
    public void start(long features, DeviceContext running) {
        context = running;
        space.setMemory(running.memory());
        arena.attach(running.window(REGION));
        if (watchdog == null) watchdog = loop.every(watchNanos, sessions::watch);
    }

    private DeviceContext context() {
        DeviceContext present = context;
        if (present == null) throw new IllegalStateException("the device was not started");
        return present;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        if (index == EVENTS) events.start(queue, context());
        else commands = new CommandQueue(index, queue, context(), this, decoder, times, names);
    }

    @Override
    public void stopQueue(int index) {
        if (index == EVENTS) {
            events.stop();
            return;
        }
        CommandQueue stopping = commands;
        commands = null;
        if (stopping != null) stopping.stop();
    }

    @Override
    public void notified(int index) {
        if (index == EVENTS) {
            events.run();
            sendEvents();
        } else if (commands != null) {
            commands.run();
        }
    }

    @Override
    public void invalidated(AddressRange range) {
        space.invalidated(range);
    }

    // ---- commands

    @Override
    public @Nullable Session open() {
        return sessions.open();
    }

    @Override
    public void close(int session) {
        sessions.close(session);
        sendEvents();
    }

    @Override
    public @Nullable Session find(int session) {
        return sessions.find(session);
    }

    @Override
    public void changed(Session session) {
        sessions.changed(session);
        sendEvents();
    }

    @Override
    public FrameArena arena() {
        return arena;
    }

    @Override
    public Polled.Stalled lacked() {
        return space.lacked();
    }

    /** Planes of USERPTR buffers that are mapped; on the device's loop. */
    int mappedPlanes() {
        return space.count();
    }

    /** Asks the front-end to map the whole arena, once: each part that is mapped is a memory region of the VM. */
    @Override
    public CommandQueue.Shown shown() {
        CommandQueue.Shown known = shown;
        if (known != null) return known;
        shown = CommandQueue.Shown.NOT_YET;
        long asked = resets;
        context().window(REGION).show(0, region.bytes(), taken -> {
            if (asked == resets) answered(taken);
        });
        return shown;
    }

    private void answered(boolean taken) {
        if (!taken) {
            LOG.warn(
                    "{}: the front-end does not map shared memory, so drivers cannot map buffers; they may use USERPTR",
                    name);
        }
        shown = taken ? CommandQueue.Shown.YES : CommandQueue.Shown.NO;
        CommandQueue present = commands;
        if (present != null) present.resume();
    }

    // ---- events

    /** Sends events while the driver has buffers: one of each session in turn. */
    private void sendEvents() {
        // The client has got the buffer back by STREAMOFF before its event was delivered.
        if (events.waiting() > 0 && sending != null && sending.epoch() != sendingEpoch) events.clear();
        delivered();
        while (events.waiting() == 0) {
            Session session = sessions.nextWithEvents();
            if (session == null) return;
            MediaBuffer buffer = session.events().take(event);
            sending = buffer;
            sendingEpoch = buffer == null ? 0 : buffer.epoch();
            events.send(bytesOf(event));
            delivered();
            sessions.changed(session);
        }
    }

    /** A buffer is its client's when its event has been delivered. */
    private void delivered() {
        MediaBuffer buffer = sending;
        if (buffer == null || events.waiting() > 0) return;
        if (buffer.epoch() == sendingEpoch) buffer.setState(MediaBuffer.State.DEQUEUED);
        sending = null;
    }

    /** The event in an array of its own size, which is free again: at most one event waits. */
    private byte[] bytesOf(Payload from) {
        byte[] target = switch (from.length()) {
            case SessionEvents.DQBUF_BYTES -> dqbufBytes;
            case SessionEvents.EVENT_BYTES -> eventBytes;
            default -> errorBytes;
        };
        System.arraycopy(from.bytes(), 0, target, 0, target.length);
        return target;
    }

    // ---- the end

    @Override
    public void reset() {
        sessions.closeAll();
        events.clear();
        arena.unmapAll();
        shown = null;
        sending = null;
        resets++;
    }

    @Override
    public void close() {
        reset();
        if (watchdog != null) watchdog.run();
    }
}
