/**
 * Virtio input devices (virtio 1.3 §5.8): keyboard, tablet, touchscreen. Linux has a driver, {@code virtio_input}.
 *
 * <p>A device knows no sockets: {@link sluice.vdev.feed} reads its sources of input.
 */
@NullMarked
package sluice.vdev.input;

import org.jspecify.annotations.NullMarked;
