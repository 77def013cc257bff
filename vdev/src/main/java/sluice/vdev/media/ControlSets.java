package sluice.vdev.media;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The controls of decoders, with the names and items of Linux (v4l2-ctrls-defs.c). */
final class ControlSets {
    private static final int BASE = 0x99_0900;
    private static final String[] H264_LEVELS = { "1", "1b", "1.1", "1.2", "1.3", "2", "2.1", "2.2", "3", "3.1", "3.2",
            "4", "4.1", "4.2", "5", "5.1", "5.2", "6.0", "6.1", "6.2" };
    private static final String[] HEVC_LEVELS = { "1", "2", "2.1", "3", "3.1", "4", "4.1", "5", "5.1", "5.2", "6",
            "6.1", "6.2" };
    private static final int FIRST = 0;

    private ControlSets() {}

    /** For a decoder of these: what it decodes of each coding, 8 bits a sample and 4:2:0, and how many buffers it needs. */
    static List<ControlInfo> ofDecoder(List<CodedFormat> formats) {
        List<ControlInfo> all = new ArrayList<>();
        all.add(ControlInfo.ofClass(V4l2.CID_USER_CLASS, "User Controls"));
        all.add(new ControlInfo(V4l2.CID_MIN_BUFFERS_FOR_CAPTURE, V4l2.CTRL_INTEGER, "Min Number of Capture Buffers", 1,
                BufferQueue.MOST_BUFFERS, 1, 1, V4l2.CTRL_READ_ONLY));
        int before = all.size();
        for (CodedFormat format : formats) addCoding(format.fourcc(), all);
        if (all.size() > before) all.add(ControlInfo.ofClass(V4l2.CID_CODEC_CLASS, "Codec Controls"));
        all.sort(Comparator.comparingInt(ControlInfo::id));
        return all;
    }

    private static void addCoding(int fourcc, List<ControlInfo> to) {
        if (fourcc == V4l2.fourcc("MPG2")) {
            to.add(fixed(270, "MPEG2 Level", 3, "Low", "Main", "High 1440", "High"));
            to.add(fixed(271, "MPEG2 Profile", 1, "Simple", "Main"));
        } else if (fourcc == V4l2.fourcc("H264")) {
            to.add(fixed(359, "H264 Level", H264_LEVELS.length - 1, H264_LEVELS));
            to.add(fixed(363, "H264 Profile", 4, "Baseline", "Constrained Baseline", "Main", "", "High"));
        } else if (fourcc == V4l2.fourcc("VP80")) {
            to.add(fixed(511, "VP8 Profile", FIRST, "0", "1", "2", "3"));
        } else if (fourcc == V4l2.fourcc("VP90")) {
            to.add(fixed(512, "VP9 Profile", FIRST, "0"));
        } else if (fourcc == V4l2.fourcc("HEVC")) {
            to.add(fixed(615, "HEVC Profile", FIRST, "Main", "Main Still Picture"));
            to.add(fixed(616, "HEVC Level", HEVC_LEVELS.length - 1, HEVC_LEVELS));
        }
    }

    /** A menu that says what there is. */
    private static ControlInfo fixed(int number, String label, int standard, String... items) {
        return ControlInfo.menu(BASE + number, label, standard, V4l2.CTRL_READ_ONLY, items);
    }
}
