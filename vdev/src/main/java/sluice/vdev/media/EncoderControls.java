package sluice.vdev.media;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

import sluice.vdev.codec.Coding;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PixelFormat;
import sluice.vdev.codec.Ratio;

/**
 * The controls of an encoder, and what they mean to a library. A change makes a new encoder, so the next picture is a key picture.
 */
final class EncoderControls {
    static final int B_FRAMES = 0x99_09ca;
    static final int GOP_SIZE = 0x99_09cb;
    static final int BITRATE_MODE = 0x99_09ce;
    static final int BITRATE = 0x99_09cf;
    static final int BITRATE_PEAK = 0x99_09d0;
    static final int FORCE_KEY_FRAME = 0x99_09e5;
    static final int H264_MIN_QP = 0x99_0a61;
    static final int H264_MAX_QP = 0x99_0a62;
    static final int VPX_MIN_QP = 0x99_0afb;
    static final int VPX_MAX_QP = 0x99_0afc;
    private static final int MOST_BITRATE = 200_000_000;
    private static final int MODE_CONSTANT = 1;
    private static final int MOST_H264_QP = 51;
    private static final int MOST_VPX_QP = 63;
    private static final int MOST_B_FRAMES = 4;
    private static final int MPEG2_LEAST = 2;
    private static final int MPEG2_MOST = 31;
    /** Frames a second that MPEG-2 knows (ISO/IEC 13818-2 table 6-4). */
    private static final List<Ratio> MPEG2_RATES = List.of(new Ratio(24_000, 1001), new Ratio(24, 1), new Ratio(25, 1),
            new Ratio(30_000, 1001), new Ratio(30, 1), new Ratio(50, 1), new Ratio(60_000, 1001), new Ratio(60, 1));

    private EncoderControls() {}

    static List<ControlInfo> of(List<EncodedFormat> formats) {
        List<ControlInfo> all = new ArrayList<>();
        all.add(ControlInfo.ofClass(V4l2.CID_USER_CLASS, "User Controls"));
        all.add(new ControlInfo(V4l2.CID_MIN_BUFFERS_FOR_OUTPUT, V4l2.CTRL_INTEGER, "Min Number of Output Buffers", 1,
                BufferQueue.MOST_BUFFERS, 1, 1, V4l2.CTRL_READ_ONLY));
        all.add(ControlInfo.ofClass(V4l2.CID_CODEC_CLASS, "Codec Controls"));
        all.add(ControlInfo.integer(GOP_SIZE, "Video GOP Size", 1, 600, 30));
        all.add(ControlInfo.menu(BITRATE_MODE, "Video Bitrate Mode", MODE_CONSTANT, 0, "Variable Bitrate",
                "Constant Bitrate"));
        all.add(ControlInfo.integer(BITRATE, "Video Bitrate", 1000, MOST_BITRATE, 2_000_000));
        all.add(ControlInfo.integer(BITRATE_PEAK, "Video Peak Bitrate", 1000, MOST_BITRATE, 4_000_000));
        all.add(new ControlInfo(FORCE_KEY_FRAME, V4l2.CTRL_BUTTON, "Force Key Frame", 0, 0, 0, 0,
                V4l2.CTRL_WRITE_ONLY | V4l2.CTRL_EXECUTE_ON_WRITE));
        for (EncodedFormat format : formats) {
            switch (format.coding()) {
                case MPEG2 -> all.add(ControlInfo.integer(B_FRAMES, "Video B Frames", 0, MOST_B_FRAMES, 0));
                case H264 -> {
                    all.add(ControlInfo.integer(H264_MIN_QP, "H264 Minimum QP Value", 0, MOST_H264_QP, 0));
                    all.add(ControlInfo.integer(H264_MAX_QP, "H264 Maximum QP Value", 0, MOST_H264_QP, MOST_H264_QP));
                    all.add(ControlInfo.menu(0x99_0a6b, "H264 Profile", 1, 0, "", "Constrained Baseline"));
                }
                case VP8 -> {
                    all.add(ControlInfo.integer(VPX_MIN_QP, "VPX Minimum QP Value", 0, MOST_VPX_QP, 0));
                    all.add(ControlInfo.integer(VPX_MAX_QP, "VPX Maximum QP Value", 0, MOST_VPX_QP, MOST_VPX_QP));
                }
                default -> {
                    // Nothing besides what all have.
                }
            }
        }
        all.sort(Comparator.comparingInt(ControlInfo::id));
        return all;
    }

    /** Whether the next picture is to be a key picture; once. */
    static boolean takeKey(Controls controls) {
        return controls.change(FORCE_KEY_FRAME, 0);
    }

    static EncoderSettings settings(EncoderFormats formats, Controls controls) {
        Coding coding = formats.coded().coding();
        int mean = controls.value(BITRATE);
        boolean constant = controls.value(BITRATE_MODE) == MODE_CONSTANT;
        int peak = constant ? mean : Math.max(mean, controls.value(BITRATE_PEAK));
        PictureFormat format = new PictureFormat(PixelFormat.YU12, formats.width(), formats.height());
        int between = coding == Coding.MPEG2 ? controls.value(B_FRAMES) : 0;
        int least = 1;
        int most = 0;
        switch (coding) {
            case H264 -> {
                least = controls.value(H264_MIN_QP);
                most = Math.max(least, controls.value(H264_MAX_QP));
            }
            case VP8, VP9 -> {
                least = formats.offers(Coding.VP8) ? controls.value(VPX_MIN_QP) : 0;
                most = formats.offers(Coding.VP8) ? Math.max(least, controls.value(VPX_MAX_QP)) : MOST_VPX_QP;
            }
            case MPEG2 -> {
                least = MPEG2_LEAST;
                most = MPEG2_MOST;
            }
            default -> {
                // The library's own.
            }
        }
        return new EncoderSettings(coding, format, rate(formats.codedRate(), coding),
                new Ratio(formats.width(), formats.height()), mean, peak, Math.max(1, peak / 2),
                controls.value(GOP_SIZE), between, least, most);
    }

    /** MPEG-2 has eight rates: the nearest. */
    private static Ratio rate(Ratio wanted, Coding coding) {
        if (coding != Coding.MPEG2) return wanted;
        double value = (double) wanted.numerator() / wanted.denominator();
        Ratio nearest = MPEG2_RATES.getFirst();
        for (Ratio one : MPEG2_RATES) {
            if (Math.abs(rate(one) - value) < Math.abs(rate(nearest) - value)) nearest = one;
        }
        return nearest;
    }

    private static double rate(Ratio one) {
        return (double) one.numerator() / one.denominator();
    }
}
