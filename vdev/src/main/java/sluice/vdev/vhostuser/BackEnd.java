package sluice.vdev.vhostuser;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.device.DisplaySocket;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.PeerMemory;
import sluice.vdev.io.Endpoint;
import sluice.vdev.io.FrameChannel;

/**
 * Serves one device to front-ends over vhost-user.
 *
 * @param host the device and its loop
 * @param files where guest memory is mapped
 * @param display receives the display socket of GPU_SET_SOCKET; null for a device without one
 */
public record BackEnd(DeviceHost host, FileMappings files, @Nullable DisplaySocket display)
        implements
            Endpoint {
    /** Most pieces in one write: a reply is one piece. */
    private static final int GATHER_LIMIT = 1;

    @Override
    public Channel serve(Fd socket, EventLoop control, Runnable gone) {
        PeerMemory peer = PeerMemory.of(socket);
        FrameChannel channel = new FrameChannel(socket, new VhostUserFormat(), GATHER_LIMIT, host.loop().disposal());
        channel.pipeline().addLast(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel fresh) {
                fresh.pipeline().addLast(new MessageDecoder(host.device().queueCount()),
                        new Session(BackEnd.this, fresh, peer, gone));
            }
        });
        control.register(channel).addListener(registered -> {
            // A channel that was never active does not fire channelInactive.
            if (!registered.isSuccess()) control.execute(gone);
        });
        return channel;
    }
}
