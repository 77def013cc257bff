package sluice.vdev.media;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.PictureFormat;

/**
 * The formats of a session: the client chooses the coded one, the stream has the size of pictures, and the client chooses
 * how raw pictures are laid out.
 */
final class Formats implements SessionFormats {
    private static final int USUAL_WIDTH = 640;
    private static final int USUAL_HEIGHT = 480;

    private final List<CodedFormat> all;
    private CodedFormat coded;
    private int codedWidth = USUAL_WIDTH;
    private int codedHeight = USUAL_HEIGHT;
    private int codedBytes;
    private Colors colors = Colors.DEFAULT;
    /** What the stream has said; null before. */
    private @Nullable PictureFormat stream;
    private FrameLayout layout = new FrameLayout(RawFormat.YU12, USUAL_WIDTH, USUAL_HEIGHT);

    Formats(List<CodedFormat> all) {
        this.all = all;
        coded = all.getFirst();
        codedBytes = CodedFormat.sizeImage(0, codedWidth, codedHeight);
    }

    CodedFormat coded() {
        return coded;
    }

    FrameLayout layout() {
        return layout;
    }

    /** The format of the stream, or null if it is not known yet. */
    @Nullable
    PictureFormat stream() {
        return stream;
    }

    /** The stream has pictures of a format; the client's choice of a layout stays. */
    void setStream(PictureFormat format) {
        stream = format;
        layout = new FrameLayout(layout.raw(), format.width(), format.height());
        codedWidth = layout.width();
        codedHeight = layout.height();
    }

    /** The client begins with another stream. */
    void forgetStream() {
        stream = null;
    }

    private static boolean isOutput(int type) {
        return type == V4l2.BUF_TYPE_OUTPUT_MPLANE;
    }

    @Override
    public int enumerate(Struct.FmtDesc query) {
        int index = query.index();
        if (isOutput(query.type())) {
            if (index < 0 || index >= all.size()) return Errno.EINVAL;
            CodedFormat format = all.get(index);
            query.set(V4l2.FMT_COMPRESSED | V4l2.FMT_DYN_RESOLUTION, format.label(), format.fourcc());
            return 0;
        }
        if (query.type() != V4l2.BUF_TYPE_CAPTURE_MPLANE || index < 0 || index >= RawFormat.ALL.size())
            return Errno.EINVAL;
        RawFormat format = RawFormat.ALL.get(index);
        query.set(0, format.label(), format.fourcc());
        return 0;
    }

    @Override
    public int enumerate(Struct.FrameSize query) {
        int fourcc = query.fourcc();
        boolean known = RawFormat.ofFourcc(fourcc) != null
                || CodedFormat.ofFourcc(all, fourcc).fourcc() == fourcc;
        if (query.index() != 0 || !known) return Errno.EINVAL;
        query.setContinuous(FrameLayout.LEAST, FrameLayout.MOST, 1);
        return 0;
    }

    @Override
    public int get(Struct.Format format) {
        if (isOutput(format.type())) {
            format.set(codedWidth, codedHeight, coded.fourcc(), 1, colors);
            format.setPlane(0, codedBytes, 0);
        } else {
            layout.put(format, colors);
        }
        return 0;
    }

    private static int side(int wanted) {
        return wanted < 0 ? FrameLayout.MOST : Math.clamp(wanted, FrameLayout.LEAST, FrameLayout.MOST);
    }

    @Override
    public int tryFormat(Struct.Format format, boolean set) {
        if (isOutput(format.type())) {
            CodedFormat wanted = CodedFormat.ofFourcc(all, format.fourcc());
            int width = side(format.width());
            int height = side(format.height());
            int bytes = CodedFormat.sizeImage(format.sizeImage(0), width, height);
            Colors asGiven = Colors.of(format);
            format.set(width, height, wanted.fourcc(), 1, asGiven);
            format.setPlane(0, bytes, 0);
            if (set) setCoded(wanted, width, height, bytes, asGiven);
            return 0;
        }
        RawFormat raw = RawFormat.ofFourcc(format.fourcc());
        FrameLayout wanted = with(raw == null ? RawFormat.YU12 : raw);
        wanted.put(format, colors);
        if (set) layout = wanted;
        return 0;
    }

    private void setCoded(CodedFormat wanted, int width, int height, int bytes, Colors asGiven) {
        coded = wanted;
        codedWidth = width;
        codedHeight = height;
        codedBytes = bytes;
        colors = asGiven;
        stream = null;
        layout = new FrameLayout(layout.raw(), width, height);
    }

    private FrameLayout with(RawFormat raw) {
        if (raw == layout.raw()) return layout;
        PictureFormat present = stream;
        return present == null
                ? new FrameLayout(raw, codedWidth, codedHeight)
                : new FrameLayout(raw, present.width(), present.height());
    }

    @Override
    public long[] sizes(int type) {
        if (isOutput(type)) return new long[]{ codedBytes };
        return layout.sizes();
    }

    /** A decoder has no rate of its own. */
    @Override
    public int parameters(Struct.Parameters parameters, boolean set) {
        return Errno.ENOTTY;
    }

    /** The rectangles of CAPTURE: none can be changed, because the decoder does not scale. */
    @Override
    public int select(Struct.Selection selection, boolean set) {
        if (set && selection.target() != V4l2.SEL_CROP && selection.target() != V4l2.SEL_COMPOSE) return Errno.EINVAL;
        int type = selection.type();
        if (type != V4l2.BUF_TYPE_CAPTURE && type != V4l2.BUF_TYPE_CAPTURE_MPLANE) return Errno.EINVAL;
        PictureFormat present = stream;
        int width = present == null ? codedWidth : present.width();
        int height = present == null ? codedHeight : present.height();
        switch (selection.target()) {
            case V4l2.SEL_CROP_BOUNDS -> selection.setSize(layout.width(), layout.height());
            case V4l2.SEL_CROP, V4l2.SEL_CROP_DEFAULT, V4l2.SEL_COMPOSE, V4l2.SEL_COMPOSE_DEFAULT,
                    V4l2.SEL_COMPOSE_BOUNDS, V4l2.SEL_COMPOSE_PADDED ->
                selection.setSize(width, height);
            default -> {
                return Errno.EINVAL;
            }
        }
        return 0;
    }
}
