package sluice.vdev.io;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;

import sluice.dmacore.linux.Fd;

/** Serves one front-end at a time: a device behind a protocol. */
@FunctionalInterface
public interface Endpoint {
    /**
     * Serves the front-end at the other end of {@code socket}.
     *
     * @param socket connected; the channel takes ownership
     * @param control the control loop
     * @param gone runs on the control loop when the front-end has disconnected and its resources are released
     */
    Channel serve(Fd socket, EventLoop control, Runnable gone);
}
