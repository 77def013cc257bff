/**
 * A codec engine by FFmpeg's libavcodec, as built by Bytedeco (LGPL). The only package that knows the library; nothing
 * depends on it, {@link sluice.vdev.codec.Engines} finds it.
 */
@NullMarked
package sluice.vdev.codec.ffmpeg;

import org.jspecify.annotations.NullMarked;
