package sluice.vdev.device;

import sluice.dmacore.linux.Fd;

/**
 * Receives the front-end's display socket, which vhost-user passes separately (VHOST_USER_GPU_SET_SOCKET). Called on
 * the device's loop.
 */
public interface DisplaySocket {
    /** Takes ownership of {@code socket}, and uses it in place of an earlier one. */
    void connect(Fd socket);

    /** The front-end has disconnected. */
    void disconnect();
}
