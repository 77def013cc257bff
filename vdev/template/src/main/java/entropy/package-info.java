/**
 * An entropy source, the smallest virtio device (virtio 1.3 §5.4): one queue, no configuration space, no features.
 * Linux has a driver, {@code virtio-rng}.
 */
@NullMarked
package entropy;

import org.jspecify.annotations.NullMarked;
