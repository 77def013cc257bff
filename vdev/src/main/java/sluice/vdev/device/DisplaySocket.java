package sluice.vdev.device;

import sluice.dmacore.linux.Fd;

/**
 * Takes the socket on which a front-end wants pictures, which vhost-user hands over apart from the device's own
 * (VHOST_USER_GPU_SET_SOCKET). Called on the device's loop.
 */
public interface DisplaySocket {
    /** Uses {@code socket}, which it owns from now on, in place of the one before. */
    void connect(Fd socket);

    /** The front-end has gone. */
    void disconnect();
}
