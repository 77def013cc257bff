/**
 * The codec: a virtio-media device (virtio 1.4 §5.22) that is a V4L2 stateful decoder.
 *
 * <p>{@link sluice.vdev.media.MediaDevice} is what a transport serves. Commands are decoded from snapshots ({@link
 * sluice.vdev.media.Command}, {@link sluice.vdev.media.Struct}), and executed by sessions, one per open file, each with
 * the state machine of Linux's documentation (userspace-api/media/v4l/dev-decoder.rst). Sessions decode on workers
 * through {@code sluice.vdev.codec}. Must not use sockets, QEMU or Netty.
 */
@NullMarked
package sluice.vdev.media;

import org.jspecify.annotations.NullMarked;
