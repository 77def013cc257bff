/** Front-ends that drive a Sluice process while the JVM records what its ahead-of-time cache has to contain. */
@NullMarked
package sluice.vdev.training;

import org.jspecify.annotations.NullMarked;
