/**
 * {@code ./sluice demo}: the main job end to end, from an installed QEMU to a picture that is judged pixel by pixel.
 *
 * <p>Only the story belongs here. What boots machines, draws or compares is in the package above, where tests use it too.
 */
@NullMarked
package sluice.guest.demo;

import org.jspecify.annotations.NullMarked;
