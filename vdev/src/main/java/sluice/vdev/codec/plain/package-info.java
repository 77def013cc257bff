/**
 * A codec engine without a library: a coding of Sluice's own, for tests of devices. Uses the interface of {@code
 * sluice.vdev.codec} only.
 */
@NullMarked
package sluice.vdev.codec.plain;

import org.jspecify.annotations.NullMarked;
