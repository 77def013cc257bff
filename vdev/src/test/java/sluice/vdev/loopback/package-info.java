/**
 * The real back-end and the fixtures of {@code sluice.vdev.fixture} put together in one process, for the loopback tests:
 * a GPU on real loops behind a real socket, a front-end, a driver and a display in front of it.
 */
@NullMarked
package sluice.vdev.loopback;

import org.jspecify.annotations.NullMarked;
