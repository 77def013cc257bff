package sluice.vdev.display;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.Fd;
import sluice.vdev.device.DisplaySocket;

/**
 * The display socket of a GPU with blobs: a front-end that passes one clears the feature bit of blobs. Its guest gets a
 * GPU without blobs, and the log gives the reason.
 */
final class UnwantedDisplay implements DisplaySocket {
    private static final Logger LOG = LoggerFactory.getLogger(UnwantedDisplay.class);

    private final DisplaySocket display;
    private boolean told;

    UnwantedDisplay(DisplaySocket display) {
        this.display = display;
    }

    @Override
    public void connect(Fd socket) {
        if (!told) {
            LOG.warn("no blobs for this guest: vhost-user-gpu-pci does not pass RESOURCE_BLOB; attach the GPU with "
                    + "vhost-user-test-device-pci, as printed at start, or serve it with --transport=vfio-user");
        }
        told = true;
        display.connect(socket);
    }

    @Override
    public void disconnect() {
        display.disconnect();
    }
}
