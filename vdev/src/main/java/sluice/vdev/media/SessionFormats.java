package sluice.vdev.media;

import org.jspecify.annotations.Nullable;

/** The formats of a session's two queues. Results are 0 or an errno. */
interface SessionFormats {
    int enumerate(Struct.FmtDesc query);

    int enumerate(Struct.FrameSize query);

    int get(Struct.Format format);

    /** TRY_FMT, and S_FMT with {@code set}. */
    int tryFormat(Struct.Format format, boolean set);

    /** Bytes of each plane of a buffer, at least. */
    long[] sizes(int type);

    /** G_SELECTION, and S_SELECTION with {@code set}, which becomes what is possible. */
    int select(Struct.Selection selection, boolean set);

    /** G_PARM, and S_PARM with {@code set}. */
    int parameters(Struct.Parameters parameters, boolean set);

    /** The sizes that CREATE_BUFS asks for, or null if they are less than the format's. */
    default long @Nullable [] sizes(Struct.Format wanted) {
        long[] sizes = sizes(wanted.type());
        if (wanted.planes() != sizes.length) return null;
        for (int i = 0; i < sizes.length; i++) {
            long asked = Integer.toUnsignedLong(wanted.sizeImage(i));
            if (asked < sizes[i]) return null;
            sizes[i] = asked;
        }
        return sizes;
    }
}
