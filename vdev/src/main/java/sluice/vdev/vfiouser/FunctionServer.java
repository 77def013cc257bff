package sluice.vdev.vfiouser;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;

import sluice.dmacore.linux.Fd;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.PeerMemory;
import sluice.vdev.io.Endpoint;
import sluice.vdev.io.FrameChannel;

/**
 * Serves one PCI function to front-ends over vfio-user.
 *
 * @param host the function and its loop
 */
public record FunctionServer(FunctionHost host) implements Endpoint {
    /** Most pieces in one write: a reply is one piece. */
    private static final int GATHER_LIMIT = 1;

    @Override
    public Channel serve(Fd socket, EventLoop control, Runnable gone) {
        PeerMemory peer = PeerMemory.of(socket);
        FrameChannel channel = new FrameChannel(socket, new VfioUserFormat(), GATHER_LIMIT, host.loop().disposal());
        channel.pipeline().addLast(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel fresh) {
                fresh.pipeline().addLast(new MessageDecoder(), new Session(host, fresh, peer, gone));
            }
        });
        control.register(channel).addListener(registered -> {
            // A channel that was never active does not fire channelInactive.
            if (!registered.isSuccess()) control.execute(gone);
        });
        return channel;
    }
}
