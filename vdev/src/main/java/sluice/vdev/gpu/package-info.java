/**
 * The virtio GPU, 2D (virtio 1.3 §5.7).
 *
 * <p>Commands come from a queue, pixels from guest memory, pictures go to a {@link sluice.vdev.gpu.Display}. It runs on
 * its device's loop and allocates nothing per command once it is warm. Must not use sockets, QEMU or Netty.
 */
@NullMarked
package sluice.vdev.gpu;

import org.jspecify.annotations.NullMarked;
