/**
 * The interface between devices and codec libraries: a {@link sluice.vdev.codec.CodecEngine}, found by {@link
 * java.util.ServiceLoader}, makes encoders and decoders of coded video. Pictures and bitstreams are memory segments;
 * times are numbers that an engine returns as it was given them.
 *
 * <p>Only interfaces, their records, and the search for engines may enter. Must not use devices, sockets, QEMU or
 * Netty, or a codec library: engines are modules of their own, such as {@code vdev/codec}.
 */
@NullMarked
package sluice.vdev.codec;

import org.jspecify.annotations.NullMarked;
