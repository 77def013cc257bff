package sluice.vdev.vhostuser;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

import io.netty.channel.EventLoop;

import sluice.dmacore.linux.Fd;
import sluice.vdev.host.FrontEndRequests;

/**
 * What a device asks of its front-end over the back-end channel: changes of configuration (VHOST_USER_BACKEND_CONFIG_CHANGE_MSG),
 * of which one message is under way and one more follows, however many there are; and parts of shared memory regions
 * (VHOST_USER_BACKEND_SHMEM_MAP, _UNMAP), which a host bounds.
 */
final class BackEndRequests implements FrontEndRequests {
    private final EventLoop control;
    private final BackEndChannel toFrontEnd;
    private final LongSupplier protocolFeatures;
    private final AtomicBoolean changed = new AtomicBoolean();
    /** On the control loop. */
    private boolean telling;

    /** @param protocolFeatures tells on the control loop what is negotiated: a front-end is sent nothing it has not agreed to */
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
        // A front-end without the channel, or that does not answer, reads the configuration when it likes.
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
