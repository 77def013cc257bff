package sluice.vdev.media;

import java.util.List;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Ratio;

/**
 * The formats of an encoding session: the client chooses the coded one, how raw pictures are laid out, and by the crop rectangle
 * how much of them is encoded.
 */
final class EncoderFormats implements SessionFormats {
    private static final int USUAL_WIDTH = 640;
    private static final int USUAL_HEIGHT = 480;
    private static final int MOST_RATE = 1000;

    private final List<EncodedFormat> all;
    private EncodedFormat coded;
    private int codedBytes;
    private Colors colors = Colors.DEFAULT;
    private FrameLayout layout = FrameLayout.ofClient(RawFormat.YU12, USUAL_WIDTH, USUAL_HEIGHT, 0);
    private int width = USUAL_WIDTH;
    private int height = USUAL_HEIGHT;
    private Ratio rate = new Ratio(30, 1);
    private Ratio codedRate = rate;

    EncoderFormats(List<EncodedFormat> all) {
        this.all = all;
        coded = all.getFirst();
        codedBytes = CodedFormat.sizeImage(0, USUAL_WIDTH, USUAL_HEIGHT);
    }

    EncodedFormat coded() {
        return coded;
    }

    FrameLayout layout() {
        return layout;
    }

    /** Of what is encoded, in pixels. */
    int width() {
        return width;
    }

    int height() {
        return height;
    }

    /** Pictures per second that the stream says. */
    Ratio codedRate() {
        return codedRate;
    }

    boolean offers(Coding coding) {
        return all.stream().anyMatch(one -> one.coding() == coding);
    }

    private EncodedFormat ofFourcc(int fourcc) {
        for (EncodedFormat one : all) {
            if (one.fourcc() == fourcc) return one;
        }
        return all.getFirst();
    }

    private static boolean isOutput(int type) {
        return type == V4l2.BUF_TYPE_OUTPUT_MPLANE;
    }

    @Override
    public int enumerate(Struct.FmtDesc query) {
        int index = query.index();
        if (isOutput(query.type())) {
            if (index < 0 || index >= RawFormat.ALL.size()) return Errno.EINVAL;
            query.set(0, RawFormat.ALL.get(index).label(), RawFormat.ALL.get(index).fourcc());
            return 0;
        }
        if (query.type() != V4l2.BUF_TYPE_CAPTURE_MPLANE || index < 0 || index >= all.size()) return Errno.EINVAL;
        query.set(V4l2.FMT_COMPRESSED | V4l2.FMT_ENC_CAP_FRAME_INTERVAL, all.get(index).format().label(),
                all.get(index).fourcc());
        return 0;
    }

    @Override
    public int enumerate(Struct.FrameSize query) {
        int fourcc = query.fourcc();
        boolean known = RawFormat.ofFourcc(fourcc) != null || ofFourcc(fourcc).fourcc() == fourcc;
        if (query.index() != 0 || !known) return Errno.EINVAL;
        query.setContinuous(FrameLayout.LEAST, FrameLayout.MOST, 2);
        return 0;
    }

    @Override
    public int get(Struct.Format format) {
        if (isOutput(format.type())) layout.put(format, colors);
        else putCoded(format, coded, codedBytes);
        return 0;
    }

    private void putCoded(Struct.Format format, EncodedFormat as, int bytes) {
        format.set(width, height, as.fourcc(), 1, colors);
        format.setPlane(0, bytes, 0);
    }

    private static int side(int wanted) {
        int side = wanted < 0 ? FrameLayout.MOST : Math.clamp(wanted, FrameLayout.LEAST, FrameLayout.MOST);
        return side + 1 & -2;
    }

    @Override
    public int tryFormat(Struct.Format format, boolean set) {
        if (!isOutput(format.type())) {
            EncodedFormat wanted = ofFourcc(format.fourcc());
            int bytes = CodedFormat.sizeImage(format.sizeImage(0), width, height);
            putCoded(format, wanted, bytes);
            if (set) {
                coded = wanted;
                codedBytes = bytes;
            }
            return 0;
        }
        RawFormat raw = RawFormat.ofFourcc(format.fourcc());
        Colors asGiven = Colors.of(format);
        FrameLayout wanted = FrameLayout.ofClient(raw == null ? RawFormat.YU12 : raw, side(format.width()),
                side(format.height()), format.bytesPerLine(0));
        if (set) {
            layout = wanted;
            width = wanted.width();
            height = wanted.height();
            colors = asGiven;
            codedBytes = CodedFormat.sizeImage(0, width, height);
        }
        wanted.put(format, colors);
        return 0;
    }

    @Override
    public long[] sizes(int type) {
        if (!isOutput(type)) return new long[]{ codedBytes };
        return layout.sizes();
    }

    /** The rectangle of OUTPUT that is encoded; it begins at the top left. */
    @Override
    public int select(Struct.Selection selection, boolean set) {
        int type = selection.type();
        int target = selection.target();
        if (type != V4l2.BUF_TYPE_OUTPUT && type != V4l2.BUF_TYPE_OUTPUT_MPLANE) return Errno.EINVAL;
        if (set && target != V4l2.SEL_CROP) return Errno.EINVAL;
        if (set) {
            width = Math.min(layout.width(), side(selection.width()));
            height = Math.min(layout.height(), side(selection.height()));
        }
        switch (target) {
            case V4l2.SEL_CROP -> selection.setSize(width, height);
            case V4l2.SEL_CROP_DEFAULT, V4l2.SEL_CROP_BOUNDS -> selection.setSize(layout.width(), layout.height());
            default -> {
                return Errno.EINVAL;
            }
        }
        return 0;
    }

    /** The rate of raw pictures, and with it that of the stream, which the client may change afterwards (dev-encoder.rst). */
    @Override
    public int parameters(Struct.Parameters parameters, boolean set) {
        int type = parameters.type();
        if (type != V4l2.BUF_TYPE_OUTPUT_MPLANE && type != V4l2.BUF_TYPE_CAPTURE_MPLANE && type != V4l2.BUF_TYPE_OUTPUT
                && type != V4l2.BUF_TYPE_CAPTURE)
            return Errno.EINVAL;
        boolean ofOutput = type == V4l2.BUF_TYPE_OUTPUT_MPLANE || type == V4l2.BUF_TYPE_OUTPUT;
        // The time of a picture.
        int numerator = parameters.numerator();
        int denominator = parameters.denominator();
        if (set && numerator > 0 && denominator > 0 && denominator / numerator <= MOST_RATE
                && numerator / denominator <= MOST_RATE)
            setRate(ofOutput, new Ratio(/* numerator= */ denominator, /* denominator= */ numerator));
        parameters.set(ofOutput ? rate : codedRate);
        return 0;
    }

    private void setRate(boolean ofOutput, Ratio wanted) {
        codedRate = wanted;
        if (ofOutput) rate = wanted;
    }
}
