package sluice.vdev.vhostuser;

import java.io.IOException;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.GuestMemory;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.QueueStart;
import sluice.vdev.io.Disposal;
import sluice.vdev.queue.QueueLayout;
import sluice.vdev.queue.RingFeatures;

/**
 * The rings of one session: their parameters, their start by the kick descriptor, and their positions when stopped.
 * Used on the control loop.
 */
final class Vrings {
    private static final Logger LOG = LoggerFactory.getLogger(Vrings.class);

    private final DeviceHost host;
    private final Disposal disposal;
    private final Channel channel;
    private final VringState[] vrings;
    private long features;
    private GuestMemory.Addressing addressing = GuestMemory.Addressing.USER;
    private boolean settled;

    Vrings(DeviceHost host, Channel channel) {
        this.host = host;
        this.disposal = host.loop().disposal();
        this.channel = channel;
        this.vrings = new VringState[host.device().queueCount()];
        for (int i = 0; i < vrings.length; i++) vrings[i] = new VringState();
    }

    int count() {
        return vrings.length;
    }

    /**
     * Sets the parameters for rings that start later.
     *
     * @param rings kind of the addresses in {@link #setAddresses}
     */
    void settle(long accepted, GuestMemory.Addressing rings) {
        features = accepted;
        addressing = rings;
        settled = true;
    }

    boolean isAnyRunning() {
        for (VringState vring : vrings) {
            if (vring.started) return true;
        }
        return false;
    }

    void setSize(int index, int size) {
        vrings[index].size = size;
    }

    void setAddresses(FrontEndMessage.SetVringAddr set) {
        VringState vring = vrings[set.index()];
        vring.descriptors = set.descriptors();
        vring.available = set.available();
        vring.used = set.used();
    }

    /**
     * Sets the start position of a ring. If it differs from where the ring stopped, and no ring runs, the driver has
     * reset the device in between. QEMU 7.2 sends no message for that, so it is detected here; otherwise the next
     * driver would find resources of the previous one.
     */
    void setPosition(int index, int position) {
        VringState vring = vrings[index];
        if (vring.stopped && position(vring) != position && !isAnyRunning()) {
            LOG.debug("queue {} stopped at 0x{} and begins at 0x{}: the device has been reset", index,
                    Integer.toHexString(position(vring)), Integer.toHexString(position));
            host.renew();
        }
        vring.stopped = false;
        vring.setPosition(position);
    }

    private int position(VringState vring) {
        return vring.position(RingFeatures.of(features).packed());
    }

    /** Starts a ring, or replaces the kick eventfd of a running one. */
    void setKick(int index, @Nullable Fd kick) throws IOException {
        if (kick == null) {
            throw new IOException(
                    "queue %d without a kick descriptor: polling is not supported".formatted(index));
        }
        VringState vring = vrings[index];
        try {
            requireEventFd("kick", kick); // a file could not be watched
            if (vring.started) {
                host.replaceKick(index, kick);
                return;
            }
            if (!settled) {
                throw new IllegalArgumentException("SET_FEATURES must arrive before the first kick descriptor");
            }
            QueueLayout layout = new QueueLayout(vring.size, vring.descriptors, vring.available, vring.used);
            layout.check(RingFeatures.of(features));
            host.startQueue(index, new QueueStart(layout, position(vring), features, addressing), kick);
            vring.started = true;
        } catch (IOException e) {
            disposal.close(kick);
            throw e;
        } catch (IllegalArgumentException e) {
            disposal.close(kick);
            throw new IOException("queue %d cannot start: %s".formatted(index, e.getMessage()), e);
        }
    }

    void setCall(int index, @Nullable Fd call) throws IOException {
        host.setCall(index, eventFd("call", call));
    }

    void setError(int index, @Nullable Fd error) throws IOException {
        host.setError(index, eventFd("error", error));
    }

    /** A descriptor that we signal must be an eventfd. */
    private @Nullable Fd eventFd(String name, @Nullable Fd fd) throws IOException {
        if (fd == null) return null;
        try {
            requireEventFd(name, fd);
            UnixSocket.setNonBlocking(fd);
            return fd;
        } catch (IOException e) {
            disposal.close(fd);
            throw e;
        }
    }

    private static void requireEventFd(String name, Fd fd) throws IOException {
        if (!EventFd.isEventFd(fd)) throw new IOException("the %s descriptor is not an eventfd".formatted(name));
    }

    /** Stops a ring, if it runs, and replies with its position. */
    void stop(int index, Replies.Place answer) {
        VringState vring = vrings[index];
        if (!vring.started) {
            answer.answer(state(index, position(vring)));
            return;
        }
        vring.started = false;
        host.stopQueue(index, position -> channel.eventLoop().execute(() -> {
            vring.setPosition(position);
            vring.stopped = true;
            answer.answer(state(index, position));
        }));
    }

    private ByteBuf state(int index, int position) {
        return channel.alloc().directBuffer(8).writeIntLE(index).writeIntLE(position);
    }

    /** The device is reset: its rings return to their initial state. */
    void reset() {
        for (VringState vring : vrings) vring.reset();
    }
}
