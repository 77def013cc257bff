package sluice.vdev.media;

import java.util.UUID;

import sluice.vdev.codec.Ratio;

/**
 * The structures of V4L2 ioctls, as views of a command: the 64-bit, little-endian layouts of linux/videodev2.h. {@code at} is
 * where the structure begins.
 */
sealed interface Struct {
    /** Where the structure of an ioctl begins in its command. */
    int AT = Command.Control.BYTES;
    /** VIDEO_MAX_PLANES. */
    int MAX_PLANES = 8;
    /** struct virtio_media_sg_entry. */
    int ENTRY_BYTES = 16;
    /** struct v4l2_encoder_cmd. */
    int ENCODER_COMMAND_BYTES = 40;
    /** The name of an object. */
    int UUID_BYTES = 16;

    /** struct v4l2_fmtdesc. */
    record FmtDesc(Payload in, int at) implements Struct {
        static final int BYTES = 64;

        int index() {
            return in.u32(at);
        }

        int type() {
            return in.u32(at + 4);
        }

        void set(int flags, String description, int fourcc) {
            in.putU32(at + 8, flags);
            in.putText(at + 12, 32, description);
            in.putU32(at + 44, fourcc);
            in.clear(at + 48, 16);
        }
    }

    /** struct v4l2_format with a struct v4l2_pix_format_mplane. */
    record Format(Payload in, int at) implements Struct {
        static final int BYTES = 208;
        private static final int PIX = 8;
        private static final int PLANES = PIX + 20;
        private static final int PLANE_BYTES = 20;
        private static final int COUNT = PIX + 180;

        int type() {
            return in.u32(at);
        }

        int width() {
            return in.u32(at + PIX);
        }

        int height() {
            return in.u32(at + PIX + 4);
        }

        int fourcc() {
            return in.u32(at + PIX + 8);
        }

        int colorspace() {
            return in.u32(at + PIX + 16);
        }

        int sizeImage(int plane) {
            return in.u32(at + PLANES + plane * PLANE_BYTES);
        }

        int bytesPerLine(int plane) {
            return in.u32(at + PLANES + plane * PLANE_BYTES + 4);
        }

        int planes() {
            return in.u8(at + COUNT);
        }

        int ycbcrEncoding() {
            return in.u8(at + COUNT + 2);
        }

        int quantization() {
            return in.u8(at + COUNT + 3);
        }

        int transfer() {
            return in.u8(at + COUNT + 4);
        }

        /** Sets size and format; all planes and flags become 0, the field progressive. */
        void set(int width, int height, int fourcc, int planes, Colors colors) {
            in.clear(at + PIX, BYTES - PIX);
            in.putU32(at + PIX, width);
            in.putU32(at + PIX + 4, height);
            in.putU32(at + PIX + 8, fourcc);
            in.putU32(at + PIX + 12, V4l2.FIELD_NONE);
            in.putU32(at + PIX + 16, colors.colorspace());
            in.putU8(at + COUNT, planes);
            in.putU8(at + COUNT + 2, colors.encoding());
            in.putU8(at + COUNT + 3, colors.quantization());
            in.putU8(at + COUNT + 4, colors.transfer());
        }

        void setPlane(int plane, int sizeImage, int bytesPerLine) {
            in.putU32(at + PLANES + plane * PLANE_BYTES, sizeImage);
            in.putU32(at + PLANES + plane * PLANE_BYTES + 4, bytesPerLine);
        }
    }

    /** struct v4l2_requestbuffers. */
    record RequestBuffers(Payload in, int at) implements Struct {
        static final int BYTES = 20;

        int count() {
            return in.u32(at);
        }

        int type() {
            return in.u32(at + 4);
        }

        int memory() {
            return in.u32(at + 8);
        }

        void setCount(int count) {
            in.putU32(at, count);
        }

        void setCapabilities(int capabilities) {
            in.putU32(at + 12, capabilities);
            in.clear(at + 16, 4);
        }
    }

    /** struct v4l2_create_buffers. */
    record CreateBuffers(Payload in, int at, Format format) implements Struct {
        static final int BYTES = 256;

        CreateBuffers(Payload in, int at) {
            this(in, at, new Format(in, at + 16));
        }

        int count() {
            return in.u32(at + 4);
        }

        int memory() {
            return in.u32(at + 8);
        }

        void set(int index, int count, int capabilities, int most) {
            in.putU32(at, index);
            in.putU32(at + 4, count);
            in.putU32(at + 224, capabilities);
            in.putU32(at + 228, 0);
            in.putU32(at + 232, most);
            in.clear(at + 236, 20);
        }
    }

    /** struct v4l2_remove_buffers. */
    record RemoveBuffers(Payload in, int at) implements Struct {
        static final int BYTES = 64;

        int index() {
            return in.u32(at);
        }

        int count() {
            return in.u32(at + 4);
        }

        int type() {
            return in.u32(at + 8);
        }
    }

    /** struct v4l2_buffer; an array of planes follows. */
    record Buffer(Payload in, int at) implements Struct {
        static final int BYTES = 88;

        int index() {
            return in.u32(at);
        }

        int type() {
            return in.u32(at + 4);
        }

        int flags() {
            return in.u32(at + 12);
        }

        int field() {
            return in.u32(at + 16);
        }

        long seconds() {
            return in.u64(at + 24);
        }

        long microseconds() {
            return in.u64(at + 32);
        }

        /** Half of struct v4l2_timecode, 0 or 1. */
        long timecode(int half) {
            return in.u64(at + 40 + half * Long.BYTES);
        }

        int memory() {
            return in.u32(at + 60);
        }

        /** Number of planes in the array, unsigned. */
        int length() {
            return in.u32(at + 72);
        }

        /** Where the array of planes begins. */
        int planes() {
            return at + BYTES;
        }
    }

    /** struct v4l2_exportbuffer; the name of an object follows. */
    record ExportBuffer(Payload in, int at) implements Struct {
        static final int BYTES = 64;

        int type() {
            return in.u32(at);
        }

        int index() {
            return in.u32(at + 4);
        }

        int plane() {
            return in.u32(at + 8);
        }

        void setName(UUID name) {
            in.clear(at + 20, BYTES - 20);
            in.putU64(at + BYTES, Long.reverseBytes(name.getMostSignificantBits()));
            in.putU64(at + BYTES + Long.BYTES, Long.reverseBytes(name.getLeastSignificantBits()));
        }
    }

    /** struct v4l2_plane: offsets of its members. */
    record Plane(Payload in, int at) implements Struct {
        static final int BYTES = 64;

        long bytesUsed() {
            return in.u32AsLong(at);
        }

        long length() {
            return in.u32AsLong(at + 4);
        }

        long pointer() {
            return in.u64(at + 8);
        }

        long dataOffset() {
            return in.u32AsLong(at + 16);
        }
    }

    /** struct v4l2_control. */
    record Control(Payload in, int at) implements Struct {
        static final int BYTES = 8;

        int id() {
            return in.u32(at);
        }

        int value() {
            return in.u32(at + 4);
        }

        void setValue(int value) {
            in.putU32(at + 4, value);
        }
    }

    /** struct v4l2_ext_controls; an array of struct v4l2_ext_control follows. */
    record ExtControls(Payload in, int at) implements Struct {
        static final int BYTES = 32;
        /** struct v4l2_ext_control. */
        static final int ONE_BYTES = 20;

        int which() {
            return in.u32(at);
        }

        int count() {
            return in.u32(at + 4);
        }

        void setErrorIndex(int index) {
            in.putU32(at + 8, index);
        }

        int id(int index) {
            return in.u32(at + BYTES + index * ONE_BYTES);
        }

        int value(int index) {
            return in.u32(at + BYTES + index * ONE_BYTES + 12);
        }

        void setValue(int index, int value) {
            in.putU64(at + BYTES + index * ONE_BYTES + 12, value);
        }
    }

    /** struct v4l2_querymenu, which is packed. */
    record QueryMenu(Payload in, int at) implements Struct {
        static final int BYTES = 44;

        int id() {
            return in.u32(at);
        }

        int index() {
            return in.u32(at + 4);
        }

        void set(String item) {
            in.putText(at + 8, 32, item);
            in.clear(at + 40, 4);
        }
    }

    /** struct v4l2_queryctrl. */
    record QueryControl(Payload in, int at) implements Struct {
        static final int BYTES = 68;

        int id() {
            return in.u32(at);
        }

        void set(ControlInfo control) {
            in.putU32(at, control.id());
            in.putU32(at + 4, control.type());
            in.putText(at + 8, 32, control.label());
            in.putU32(at + 40, control.least());
            in.putU32(at + 44, control.most());
            in.putU32(at + 48, control.step());
            in.putU32(at + 52, control.standard());
            in.putU32(at + 56, control.flags());
            in.clear(at + 60, 8);
        }
    }

    /** struct v4l2_query_ext_ctrl. */
    record QueryExtControl(Payload in, int at) implements Struct {
        static final int BYTES = 232;

        int id() {
            return in.u32(at);
        }

        void set(ControlInfo control) {
            in.putU32(at, control.id());
            in.putU32(at + 4, control.type());
            in.putText(at + 8, 32, control.label());
            in.putU64(at + 40, control.least());
            in.putU64(at + 48, control.most());
            in.putU64(at + 56, control.step());
            in.putU64(at + 64, control.standard());
            in.putU32(at + 72, control.flags());
            in.putU32(at + 76, Integer.BYTES);
            in.putU32(at + 80, 1);
            in.clear(at + 84, BYTES - 84);
        }
    }

    /** struct v4l2_frmsizeenum. */
    record FrameSize(Payload in, int at) implements Struct {
        static final int BYTES = 44;

        int index() {
            return in.u32(at);
        }

        int fourcc() {
            return in.u32(at + 4);
        }

        /** Any size in equal steps. */
        void setContinuous(int least, int most, int step) {
            in.putU32(at + 8, step == 1 ? V4l2.FRMSIZE_CONTINUOUS : V4l2.FRMSIZE_STEPWISE);
            for (int side = 0; side < 2; side++) {
                in.putU32(at + 12 + side * 12, least);
                in.putU32(at + 16 + side * 12, most);
                in.putU32(at + 20 + side * 12, step);
            }
            in.clear(at + 36, 8);
        }
    }

    /** struct v4l2_event_subscription. */
    record Subscription(Payload in, int at) implements Struct {
        static final int BYTES = 32;

        int type() {
            return in.u32(at);
        }

        int id() {
            return in.u32(at + 4);
        }

        int flags() {
            return in.u32(at + 8);
        }
    }

    /** struct v4l2_selection. */
    record Selection(Payload in, int at) implements Struct {
        static final int BYTES = 64;

        int type() {
            return in.u32(at);
        }

        int target() {
            return in.u32(at + 4);
        }

        int width() {
            return in.u32(at + 20);
        }

        int height() {
            return in.u32(at + 24);
        }

        void setSize(int width, int height) {
            in.putU64(at + 12, 0);
            in.putU32(at + 20, width);
            in.putU32(at + 24, height);
        }
    }

    /** struct v4l2_streamparm: numerator and denominator of the time of a picture are at the same place for both types. */
    record Parameters(Payload in, int at) implements Struct {
        static final int BYTES = 204;
        private static final int TIME_PER_FRAME = 0x1000;

        int type() {
            return in.u32(at);
        }

        int numerator() {
            return in.u32(at + 12);
        }

        int denominator() {
            return in.u32(at + 16);
        }

        void set(Ratio picturesPerSecond) {
            in.clear(at + 4, BYTES - 4);
            in.putU32(at + 4, TIME_PER_FRAME);
            in.putU32(at + 12, picturesPerSecond.denominator());
            in.putU32(at + 16, picturesPerSecond.numerator());
        }
    }

    /** struct v4l2_decoder_cmd, or struct v4l2_encoder_cmd of {@link #ENCODER_COMMAND_BYTES}. */
    record CodecCommand(Payload in, int at, int bytes) implements Struct {
        static final int BYTES = 72;

        int command() {
            return in.u32(at);
        }

        /** No flags, and nothing else. */
        void clearRest() {
            in.clear(at + 4, bytes - 4);
        }
    }
}
