package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Errno;
import sluice.vdev.codec.plain.PlainDecoder;
import sluice.vdev.codec.plain.PlainUnits;

import static org.assertj.core.api.Assertions.assertThat;

/** What a decoder answers to questions, and what it refuses, as the drivers of Linux do (v4l2-compliance asks the same in a guest). */
class IoctlRulesTest {
    private static final int H264_PROFILE = 0x99_0a6b;

    private OneThreadMedia device;
    private PlainClient client;

    @BeforeEach
    void start() throws IOException {
        // The name of a coding with controls; nothing is decoded of it.
        device = new OneThreadMedia(List.of(CodedFormat.plain(),
                new CodedFormat(V4l2.fourcc("H264"), "H.264", EndMark.H264, PlainDecoder::new)));
        client = new PlainClient(device);
    }

    @AfterEach
    void end() {
        device.close();
    }

    private List<String> formats(int type) {
        List<String> all = new ArrayList<>();
        for (;;) {
            ByteBuffer query = MediaDriver.little(Struct.FmtDesc.BYTES).putInt(0, all.size()).putInt(4, type);
            int errno = client.call(Ioctl.ENUM_FMT, query);
            if (errno != 0) {
                assertThat(errno).isEqualTo(Errno.EINVAL);
                return all;
            }
            byte[] four = new byte[4];
            query.get(44, four);
            all.add(new String(four, StandardCharsets.US_ASCII) + " " + query.getInt(8));
        }
    }

    @Test
    void formatsAndSizesAreListed() {
        int coded = V4l2.FMT_COMPRESSED | V4l2.FMT_DYN_RESOLUTION;
        assertThat(formats(PlainClient.OUTPUT)).containsExactly("SLPL " + coded, "H264 " + coded);
        assertThat(formats(PlainClient.CAPTURE)).containsExactly("YU12 0", "NV12 0", "YM12 0", "NM12 0");
        assertThat(formats(V4l2.BUF_TYPE_CAPTURE)).isEmpty();
        for (String fourcc : new String[]{ "SLPL", "NV12" }) {
            ByteBuffer sizes = MediaDriver.little(Struct.FrameSize.BYTES).putInt(4, V4l2.fourcc(fourcc));
            client.ok(Ioctl.ENUM_FRAMESIZES, sizes);
            assertThat(List.of(sizes.getInt(8), sizes.getInt(12), sizes.getInt(16), sizes.getInt(20)))
                    .containsExactly(V4l2.FRMSIZE_CONTINUOUS, FrameLayout.LEAST, FrameLayout.MOST, 1);
            assertThat(client.call(Ioctl.ENUM_FRAMESIZES, sizes.putInt(0, 1))).isEqualTo(Errno.EINVAL);
        }
        assertThat(client.call(Ioctl.ENUM_FRAMESIZES,
                MediaDriver.little(Struct.FrameSize.BYTES).putInt(4, V4l2.fourcc("ABCD")))).isEqualTo(Errno.EINVAL);
    }

    /** The coded format says what size the raw one has; nothing of it changes while there are buffers. */
    @Test
    void theCodedFormatGovernsTheRawOne() {
        assertThat(client.setFormat(PlainClient.OUTPUT, "SLPL", 100, 50).getInt(8)).isEqualTo(100);
        ByteBuffer raw = client.setFormat(PlainClient.CAPTURE, "NV12", 7, 7);
        assertThat(List.of(raw.getInt(8), raw.getInt(12), raw.getInt(28), raw.getInt(32)))
                .containsExactly(112, 64, 128 * 64 * 3 / 2, 128);
        ByteBuffer tried = client.ok(Ioctl.TRY_FMT, PlainClient.asked(PlainClient.OUTPUT, "ABCD", 1, 1 << 20));
        assertThat(List.of(tried.getInt(8), tried.getInt(12), tried.getInt(16))).as("what is possible")
                .containsExactly(FrameLayout.LEAST, FrameLayout.MOST, V4l2.fourcc("SLPL"));
        assertThat(client.format(PlainClient.OUTPUT).getInt(8)).as("nothing was set").isEqualTo(100);
        client.request(PlainClient.CAPTURE, 1);
        for (int type : new int[]{ PlainClient.OUTPUT, PlainClient.CAPTURE })
            assertThat(client.call(Ioctl.S_FMT, PlainClient.asked(type, "SLPL", 64, 64))).isEqualTo(Errno.EBUSY);
        client.request(PlainClient.CAPTURE, 0);
        client.setFormat(PlainClient.OUTPUT, "SLPL", 64, 64);
        assertThat(client.format(PlainClient.CAPTURE).getInt(16)).as("the layout that was chosen stays")
                .isEqualTo(V4l2.fourcc("NV12"));
        assertThat(client.call(Ioctl.G_FMT, MediaDriver.little(Struct.Format.BYTES).putInt(0, 1)))
                .isEqualTo(Errno.EINVAL);
    }

    private static ByteBuffer selection(int type, int target) {
        return MediaDriver.little(Struct.Selection.BYTES).putInt(0, type).putInt(4, target);
    }

    private String selected(int target) {
        ByteBuffer asked = client.ok(Ioctl.G_SELECTION, selection(PlainClient.CAPTURE, target));
        return asked.getInt(20) + "x" + asked.getInt(24);
    }

    @Test
    void rectanglesSayWhatIsVisible() {
        client.setFormat(PlainClient.OUTPUT, "SLPL", 100, 50);
        assertThat(selected(V4l2.SEL_COMPOSE)).isEqualTo("100x50");
        assertThat(selected(V4l2.SEL_COMPOSE_PADDED)).isEqualTo("100x50");
        assertThat(selected(V4l2.SEL_CROP_BOUNDS)).isEqualTo("112x64");
        ByteBuffer smaller = selection(PlainClient.CAPTURE, V4l2.SEL_COMPOSE).putInt(20, 10).putInt(24, 10);
        assertThat(client.ok(Ioctl.S_SELECTION, smaller).getInt(20)).as("there is no scaling").isEqualTo(100);
        assertThat(client.call(Ioctl.S_SELECTION, selection(PlainClient.CAPTURE, V4l2.SEL_CROP_BOUNDS)))
                .isEqualTo(Errno.EINVAL);
        assertThat(client.call(Ioctl.G_SELECTION, selection(PlainClient.OUTPUT, V4l2.SEL_CROP)))
                .isEqualTo(Errno.EINVAL);
        assertThat(client.call(Ioctl.G_PARM, MediaDriver.little(Struct.Parameters.BYTES).putInt(0, 10)))
                .as("a decoder has no rate").isEqualTo(Errno.ENOTTY);
        assertThat(client.call(Ioctl.ENCODER_CMD, MediaDriver.little(Struct.ENCODER_COMMAND_BYTES)))
                .isEqualTo(Errno.ENOTTY);
    }

    private static ByteBuffer controls(int which, int... ids) {
        ByteBuffer list = MediaDriver.little(Struct.ExtControls.BYTES + ids.length * Struct.ExtControls.ONE_BYTES)
                .putInt(0, which).putInt(4, ids.length);
        for (int i = 0; i < ids.length; i++)
            list.putInt(Struct.ExtControls.BYTES + i * Struct.ExtControls.ONE_BYTES, ids[i]);
        return list;
    }

    /** Errors of lists, and which of a list is wrong, as vidioc-g-ext-ctrls.rst says. */
    @Test
    void controlsAreAskedForOneByOneAndInLists() {
        List<Integer> ids = new ArrayList<>();
        for (int id = 0;;) {
            ByteBuffer query = MediaDriver.little(Struct.QueryExtControl.BYTES).putInt(0, id | V4l2.CTRL_NEXT);
            if (client.call(Ioctl.QUERY_EXT_CTRL, query) != 0) break;
            id = query.getInt(0);
            ids.add(id);
        }
        assertThat(ids).isSorted().contains(V4l2.CID_USER_CLASS, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE,
                V4l2.CID_CODEC_CLASS, H264_PROFILE);
        ByteBuffer menu = MediaDriver.little(Struct.QueryMenu.BYTES).putInt(0, H264_PROFILE);
        assertThat(client.call(Ioctl.QUERYMENU, menu.putInt(4, 2))).isZero();
        assertThat(client.call(Ioctl.QUERYMENU, menu.putInt(4, 3))).as("Extended").isEqualTo(Errno.EINVAL);

        ByteBuffer both = controls(0, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE, H264_PROFILE);
        client.ok(Ioctl.G_EXT_CTRLS, both);
        assertThat(both.getInt(Struct.ExtControls.BYTES + 12)).isEqualTo(1);
        assertThat(both.getInt(Struct.ExtControls.BYTES + Struct.ExtControls.ONE_BYTES + 12)).isEqualTo(4);
        ByteBuffer unknown = controls(0, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE, 0x98_0001 + 77);
        assertThat(client.call(Ioctl.G_EXT_CTRLS, unknown)).isEqualTo(Errno.EINVAL);
        assertThat(unknown.getInt(8)).as("which is not said by G").isEqualTo(2);
        assertThat(client.call(Ioctl.TRY_EXT_CTRLS, unknown)).isEqualTo(Errno.EINVAL);
        ByteBuffer readOnly = controls(0, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE);
        assertThat(client.call(Ioctl.TRY_EXT_CTRLS, readOnly)).isEqualTo(Errno.EACCES);
        assertThat(readOnly.getInt(8)).as("TRY says which").isZero();
        assertThat(client.call(Ioctl.S_EXT_CTRLS, readOnly)).isEqualTo(Errno.EACCES);
        assertThat(readOnly.getInt(8)).as("S does not").isEqualTo(1);
        assertThat(client.call(Ioctl.S_CTRL, MediaDriver.little(8).putInt(0, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE)))
                .isEqualTo(Errno.EACCES);
        assertThat(client.call(Ioctl.G_CTRL, MediaDriver.little(8).putInt(0, V4l2.CID_USER_CLASS)))
                .isEqualTo(Errno.EACCES);
        assertThat(client.call(Ioctl.G_EXT_CTRLS, controls(V4l2.CID_CODEC_CLASS, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE)))
                .as("of another class").isEqualTo(Errno.EINVAL);
        assertThat(client.call(Ioctl.S_EXT_CTRLS, controls(V4l2.CTRL_WHICH_DEFAULT))).isEqualTo(Errno.EINVAL);
    }

    private static ByteBuffer subscription(int type, int id, int flags) {
        return MediaDriver.little(Struct.Subscription.BYTES).putInt(0, type).putInt(4, id).putInt(8, flags);
    }

    /** The present value at once with SEND_INITIAL, and each other that the stream brings; several changes become one event. */
    @Test
    void whoAsksForItIsToldOfAControl() {
        client.ok(Ioctl.SUBSCRIBE_EVENT, subscription(V4l2.EVENT_CTRL, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE,
                V4l2.EVENT_SEND_INITIAL));
        assertThat(client.said()).containsExactly("control 1");
        client.ok(Ioctl.SUBSCRIBE_EVENT, subscription(V4l2.EVENT_CTRL, V4l2.CID_MIN_BUFFERS_FOR_CAPTURE, 0));
        client.setFormat(PlainClient.OUTPUT, "SLPL", 64, 64);
        client.request(PlainClient.OUTPUT, 1);
        client.stream(PlainClient.OUTPUT, true);
        client.queueUnit(0, PlainUnits.pattern(64, 64, 1, 1, 5), 1);
        assertThat(client.said()).as("what a decoder keeps that holds 5 back, and what it is not given")
                .containsExactly("control " + (5 + 2 + PicturePlaces.NOT_FOR_DECODER));
        client.ok(Ioctl.UNSUBSCRIBE_EVENT, subscription(V4l2.EVENT_ALL, 0, 0));
        client.ok(Ioctl.UNSUBSCRIBE_EVENT, subscription(V4l2.EVENT_CTRL, 1, 0));
        assertThat(client.call(Ioctl.SUBSCRIBE_EVENT, subscription(V4l2.EVENT_CTRL, 1, 0))).isEqualTo(Errno.EINVAL);
        assertThat(client.call(Ioctl.SUBSCRIBE_EVENT, subscription(V4l2.EVENT_ALL, 0, 0))).isEqualTo(Errno.EINVAL);
        assertThat(client.call(Ioctl.SUBSCRIBE_EVENT, subscription(99, 0, 0))).isEqualTo(Errno.EINVAL);
    }

    private UUID export(int index, int plane) {
        ByteBuffer asked = client.ok(Ioctl.EXPBUF, exported(PlainClient.CAPTURE, index, plane));
        return new UUID(Long.reverseBytes(asked.getLong(64)), Long.reverseBytes(asked.getLong(72)));
    }

    private static ByteBuffer exported(int type, int index, int plane) {
        return MediaDriver.little(Struct.ExportBuffer.BYTES + Struct.UUID_BYTES).putInt(0, type).putInt(4, index)
                .putInt(8,
                        plane);
    }

    /** Each has a name of its own, for as long as its buffer is there. */
    @Test
    void planesAreExportedByTheirNames() {
        client.setFormat(PlainClient.CAPTURE, "YM12", 64, 64);
        client.request(PlainClient.CAPTURE, 2);
        Set<UUID> names = new HashSet<>();
        for (int index = 0; index < 2; index++) {
            for (int plane = 0; plane < 3; plane++) names.add(export(index, plane));
        }
        assertThat(names).hasSize(6).contains(export(1, 2));
        assertThat(names).allSatisfy(name -> assertThat(device.core.exported().find(name)).isNotNull());
        for (ByteBuffer wrong : List.of(exported(PlainClient.CAPTURE, 0, 3), exported(PlainClient.CAPTURE, 0, -1),
                exported(PlainClient.CAPTURE, 2, 0), exported(PlainClient.CAPTURE, -1, 0),
                exported(PlainClient.OUTPUT, 0, 0), exported(1, 0, 0)))
            assertThat(client.call(Ioctl.EXPBUF, wrong)).isEqualTo(Errno.EINVAL);
        client.ok(Ioctl.REMOVE_BUFS,
                MediaDriver.little(Struct.RemoveBuffers.BYTES).putInt(0, 0).putInt(4, 1).putInt(8,
                        PlainClient.CAPTURE));
        assertThat(device.core.exported().count()).isEqualTo(3);
        client.request(PlainClient.CAPTURE, 0);
        assertThat(device.core.exported().count()).isZero();
        client.ok(Ioctl.REQBUFS, MediaDriver.little(Struct.RequestBuffers.BYTES).putInt(0, 1)
                .putInt(4, PlainClient.CAPTURE).putInt(8, V4l2.MEMORY_USERPTR));
        assertThat(client.call(Ioctl.EXPBUF, exported(PlainClient.CAPTURE, 0, 0))).as("it is the guest's memory")
                .isEqualTo(Errno.EINVAL);
    }
}
