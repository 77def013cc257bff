/**
 * An entropy source, the smallest virtio device there is (virtio 1.3 §5.4): one queue, no configuration space, no features. Every
 * Linux has its driver, {@code virtio-rng}.
 */
@NullMarked
package entropy;

import org.jspecify.annotations.NullMarked;
