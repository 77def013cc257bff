package sluice.vdev.vhostuser;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

import io.netty.channel.EventLoop;

import sluice.dmacore.linux.Fd;
import sluice.vdev.host.FrontEndRequests;

/**
 * Requests of a device to its front-end over the back-end channel: configuration changes
 * (VHOST_USER_BACKEND_CONFIG_CHANGE_MSG), at most one in flight and one pending, however many there are; and parts of
 * shared memory regions (VHOST_USER_BACKEND_SHMEM_MAP, _UNMAP), limited by the host.
 */
final class BackEndRequests implements FrontEndRequests {
    private final EventLoop control;
    private final BackEndChannel toFrontEnd;
    private final LongSupplier protocolFeatures;
    private final AtomicBoolean changed = new AtomicBoolean();
    /** On the control loop. */
    private boolean telling;

    /**
     * @param protocolFeatures returns the negotiated protocol features, on the control loop: only negotiated messages
     * are sent
     */
    BackEndRequests(EventLoop control, BackEndChannel toFrontEnd, LongSupplier protocolFeatures) {
        this.control = control;
        this.toFrontEnd = toFrontEnd;
        this.protocolFeatures = protocolFeatures;
    }

    private boolean has(long feature) {
        return (protocolFeatures.getAsLong() & feature) != 0;
    }

    @Override
    public void configChanged() {
        if (!changed.getAndSet(true)) control.execute(this::tell);
    }

    private void tell() {
        if (telling || !changed.getAndSet(false) || !has(ProtocolFeature.CONFIG)) return;
        telling = true;
        // Without the channel, or without an answer, the front-end reads the configuration at its own time.
        toFrontEnd.request(BackEndChannel.CONFIG_CHANGE, answer -> {
            telling = false;
            tell();
        });
    }

    @Override
    public void map(int region, Fd file, long fileOffset, long offset, long length, Consumer<Boolean> done) {
        control.execute(() -> {
            if (has(ProtocolFeature.SHMEM)) {
                toFrontEnd.map(new SharedPart(region, fileOffset, offset, length), file,
                        answer -> done.accept(answer == 0));
            } else {
                done.accept(false);
            }
        });
    }

    @Override
    public void unmap(int region, long offset, long length, Consumer<Boolean> done) {
        control.execute(() -> {
            if (has(ProtocolFeature.SHMEM)) {
                toFrontEnd.unmap(new SharedPart(region, 0, offset, length), answer -> done.accept(answer == 0));
            } else {
                done.accept(false);
            }
        });
    }
}
