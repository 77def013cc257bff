package sluice.vdev.vfiouser;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

import sluice.dmacore.linux.Fd;
import sluice.vdev.io.Fds;
import sluice.vdev.io.Frame;

/**
 * Decodes frames into messages. A body that is too short or too long for its command gives {@link
 * ClientMessage.Malformed}, which is answered with an error: the frame was complete, so the stream is still in sync.
 * Unexpected descriptors are closed.
 */
final class MessageDecoder extends ChannelInboundHandlerAdapter {
    static final int VERSION = 1;
    static final int DMA_MAP = 2;
    static final int DMA_UNMAP = 3;
    static final int GET_INFO = 4;
    static final int GET_REGION_INFO = 5;
    static final int GET_REGION_IO_FDS = 6;
    static final int GET_IRQ_INFO = 7;
    static final int SET_IRQS = 8;
    static final int REGION_READ = 9;
    static final int REGION_WRITE = 10;
    static final int DMA_READ = 11;
    static final int DMA_WRITE = 12;
    static final int RESET = 13;
    static final int WRITE_MULTI = 15;

    /** DATA_BOOL and DATA_EVENTFD of SET_IRQS. */
    static final int IRQ_DATA_BOOL = 1 << 1;
    static final int IRQ_DATA_EVENTFD = 1 << 2;

    private static final int MAX_VERSION_BYTES = 4096;
    private static final int MULTI_BYTES = 24;

    @Override
    public void channelRead(ChannelHandlerContext context, Object received) {
        try (Frame frame = (Frame) received) {
            ByteBuf bytes = frame.bytes();
            int id = bytes.readUnsignedShortLE();
            int command = bytes.readUnsignedShortLE();
            bytes.skipBytes(4);
            int flags = bytes.readIntLE();
            int error = bytes.readIntLE();
            boolean reply = (flags & VfioUserFormat.TYPE) == VfioUserFormat.REPLY;
            ClientMessage message = reply
                    ? new ClientMessage.DmaAnswer(errorOf(flags, error), rest(bytes))
                    : decode(command, bytes, frame.fds());
            context.fireChannelRead(new Incoming(id, command, (flags & VfioUserFormat.NO_REPLY) != 0, message));
        }
    }

    private static int errorOf(int flags, int error) {
        if ((flags & VfioUserFormat.ERROR) == 0) return 0;
        return error == 0 ? -1 : error; // the sequence number is optional
    }

    private static ClientMessage decode(int command, ByteBuf body, Fds fds) {
        int size = body.readableBytes();
        int least = switch (command) {
            case VERSION -> 4;
            case DMA_MAP -> 32;
            case DMA_UNMAP -> 24;
            case GET_INFO, GET_REGION_IO_FDS, GET_IRQ_INFO, REGION_READ, REGION_WRITE -> 16;
            case GET_REGION_INFO -> 32;
            case SET_IRQS -> 20;
            case WRITE_MULTI -> 8;
            default -> 0;
        };
        if (size < least)
            return new ClientMessage.Malformed("its body has %d bytes, but needs %d".formatted(size, least));
        return switch (command) {
            case VERSION -> version(body);
            case DMA_MAP -> {
                body.skipBytes(4);
                int flags = body.readIntLE();
                long offset = body.readLongLE();
                long address = body.readLongLE();
                long length = body.readLongLE();
                yield new ClientMessage.DmaMap(flags, offset, address, length, fds.count() == 0 ? null : fds.take());
            }
            case DMA_UNMAP -> new ClientMessage.DmaUnmap(body.readIntLE(), body.readIntLE(), body.readLongLE(),
                    body.readLongLE());
            case GET_INFO -> new ClientMessage.GetInfo();
            case GET_REGION_INFO -> new ClientMessage.GetRegionInfo(body.getIntLE(body.readerIndex()),
                    body.getIntLE(body.readerIndex() + 8));
            case GET_REGION_IO_FDS -> new ClientMessage.GetRegionIoFds(body.getIntLE(body.readerIndex()),
                    body.getIntLE(body.readerIndex() + 8));
            case GET_IRQ_INFO -> new ClientMessage.GetIrqInfo(body.getIntLE(body.readerIndex() + 8));
            case SET_IRQS -> setIrqs(body, fds);
            case REGION_READ -> {
                long offset = body.readLongLE();
                int region = body.readIntLE();
                int count = body.readIntLE();
                yield count < 0 || count > VfioUserFormat.MAX_DATA_BYTES
                        ? tooMuch(count)
                        : new ClientMessage.RegionRead(offset, region, count);
            }
            case REGION_WRITE -> {
                long offset = body.readLongLE();
                int region = body.readIntLE();
                int count = body.readIntLE();
                yield count != body.readableBytes()
                        ? new ClientMessage.Malformed("it announces %d bytes and has %d"
                                .formatted(Integer.toUnsignedLong(count), body.readableBytes()))
                        : new ClientMessage.RegionWrite(offset, region, rest(body));
            }
            case RESET -> new ClientMessage.Reset();
            case WRITE_MULTI -> writeMulti(body);
            default -> new ClientMessage.Unknown();
        };
    }

    private static ClientMessage.Malformed tooMuch(int count) {
        return new ClientMessage.Malformed("it requests %d bytes; the limit is %d"
                .formatted(Integer.toUnsignedLong(count), VfioUserFormat.MAX_DATA_BYTES));
    }

    private static ClientMessage version(ByteBuf body) {
        int major = body.readUnsignedShortLE();
        int minor = body.readUnsignedShortLE();
        if (body.readableBytes() > MAX_VERSION_BYTES) {
            return new ClientMessage.Malformed("its capabilities have %d bytes; the limit is %d"
                    .formatted(body.readableBytes(), MAX_VERSION_BYTES));
        }
        byte[] json = rest(body);
        int end = json.length;
        while (end > 0 && json[end - 1] == 0)
            end--;
        return new ClientMessage.Version(major, minor, new String(json, 0, end, StandardCharsets.UTF_8));
    }

    private static ClientMessage setIrqs(ByteBuf body, Fds fds) {
        body.skipBytes(4);
        int flags = body.readIntLE();
        int index = body.readIntLE();
        long start = body.readUnsignedIntLE();
        long count = body.readUnsignedIntLE();
        byte[] choice = {};
        if ((flags & IRQ_DATA_BOOL) != 0) {
            if (count != body.readableBytes()) {
                return new ClientMessage.Malformed(
                        "it announces %d choices and has %d".formatted(count, body.readableBytes()));
            }
            choice = rest(body);
        }
        List<Fd> files = new ArrayList<>();
        if ((flags & IRQ_DATA_EVENTFD) != 0) while (fds.count() > 0)
            files.add(fds.take());
        return new ClientMessage.SetIrqs(flags, index, start, count, choice, files);
    }

    private static ClientMessage writeMulti(ByteBuf body) {
        long count = body.readLongLE();
        if (count < 0 || count > body.readableBytes() / MULTI_BYTES) {
            return new ClientMessage.Malformed("it announces %s writes and has %d bytes of them"
                    .formatted(Long.toUnsignedString(count), body.readableBytes()));
        }
        List<ClientMessage.RegionWrite> writes = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            long offset = body.readLongLE();
            int region = body.readIntLE();
            int length = body.readIntLE();
            byte[] data = new byte[Long.BYTES];
            body.readBytes(data);
            if (length < 0 || length > Long.BYTES)
                return new ClientMessage.Malformed("write %d has %d bytes; the limit is 8".formatted(i,
                        Integer.toUnsignedLong(length)));
            writes.add(new ClientMessage.RegionWrite(offset, region, Arrays.copyOf(data, length)));
        }
        return new ClientMessage.WriteMulti(writes);
    }

    private static byte[] rest(ByteBuf body) {
        byte[] bytes = new byte[body.readableBytes()];
        body.readBytes(bytes);
        return bytes;
    }
}
