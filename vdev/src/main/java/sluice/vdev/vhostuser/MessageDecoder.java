package sluice.vdev.vhostuser;

import java.util.ArrayList;
import java.util.List;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.Fd;
import sluice.vdev.io.Fds;
import sluice.vdev.io.Frame;
import sluice.vdev.io.ProtocolViolation;
import sluice.vdev.vhostuser.FrontEndMessage.Region;

/**
 * Decodes frames into messages, and checks sizes, numbers of descriptors and indices, so that handlers need not.
 * Unexpected descriptors are closed.
 */
final class MessageDecoder extends ChannelInboundHandlerAdapter {
    private static final int REGION_BYTES = 32;
    private static final int MAX_TABLE_REGIONS = 8;
    /** VHOST_USER_MAX_CONFIG_SIZE. */
    private static final int MAX_CONFIG_BYTES = 256;
    private static final long NO_FD = 1L << 8;

    private final int queues;

    MessageDecoder(int queues) {
        this.queues = queues;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object received) throws ProtocolViolation {
        try (Frame frame = (Frame) received) {
            ByteBuf bytes = frame.bytes();
            int size = bytes.readableBytes();
            int number = bytes.readIntLE();
            int flags = bytes.readIntLE();
            bytes.skipBytes(4);
            if ((flags & VhostUserFormat.REPLY) != 0) {
                throw new ProtocolViolation(
                        "message %d is marked as a reply, but no request was sent on this socket".formatted(number));
            }
            boolean needReply = (flags & VhostUserFormat.NEED_REPLY) != 0;
            context.fireChannelRead(new Request(number, needReply, size, decode(number, bytes, frame.fds())));
        }
    }

    private FrontEndMessage decode(int number, ByteBuf body, Fds fds) throws ProtocolViolation {
        return switch (number) {
            case 1 -> new FrontEndMessage.GetFeatures();
            case 2 -> new FrontEndMessage.SetFeatures(sized(number, body, 8).readLongLE());
            case 3 -> new FrontEndMessage.SetOwner();
            case 4 -> new FrontEndMessage.ResetOwner();
            case 5 -> memTable(number, body, fds);
            case 8 -> {
                int index = index(number, sized(number, body, 8));
                yield new FrontEndMessage.SetVringNum(index, body.readIntLE());
            }
            case 9 -> vringAddr(number, body);
            case 10 -> {
                int index = index(number, sized(number, body, 8));
                yield new FrontEndMessage.SetVringBase(index, body.readIntLE());
            }
            case 11 -> new FrontEndMessage.GetVringBase(index(number, sized(number, body, 8)));
            case 12, 13, 14 -> vringFd(number, body, fds);
            case 15 -> new FrontEndMessage.GetProtocolFeatures();
            case 16 -> new FrontEndMessage.SetProtocolFeatures(sized(number, body, 8).readLongLE());
            case 17 -> new FrontEndMessage.GetQueueNum();
            case 18 -> {
                int index = index(number, sized(number, body, 8));
                yield new FrontEndMessage.SetVringEnable(index, body.readIntLE() != 0);
            }
            case 21 -> new FrontEndMessage.SetBackendReqFd(oneFd(number, fds));
            case 22 -> IotlbMessage.read(sized(number, body, IotlbMessage.BYTES));
            case 24 -> getConfig(number, body);
            case 25 -> setConfig(number, body);
            case 33 -> new FrontEndMessage.GpuSetSocket(oneFd(number, fds));
            case 34 -> new FrontEndMessage.ResetDevice();
            case 36 -> new FrontEndMessage.GetMaxMemSlots();
            case 37 -> {
                Region region = paddedRegion(number, body);
                yield new FrontEndMessage.AddMemReg(region, oneFd(number, fds));
            }
            case 38 -> new FrontEndMessage.RemMemReg(paddedRegion(number, body));
            case 44 -> new FrontEndMessage.GetSharedMemory();
            default -> new FrontEndMessage.Unknown(number);
        };
    }

    private FrontEndMessage memTable(int number, ByteBuf body, Fds fds) throws ProtocolViolation {
        if (body.readableBytes() < 8) throw tooShort(number, body, 8);
        int count = body.readIntLE();
        body.skipBytes(4);
        if (count < 0 || count > MAX_TABLE_REGIONS) {
            throw new ProtocolViolation("memory table of %d regions; the limit is %d"
                    .formatted(Integer.toUnsignedLong(count), MAX_TABLE_REGIONS));
        }
        if (body.readableBytes() < count * REGION_BYTES) throw tooShort(number, body, count * REGION_BYTES);
        if (fds.count() != count) {
            throw new ProtocolViolation("memory table of %d regions with %d descriptors".formatted(count, fds.count()));
        }
        List<Region> regions = new ArrayList<>(count);
        List<Fd> files = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            regions.add(region(body));
            files.add(fds.take());
        }
        return new FrontEndMessage.SetMemTable(regions, files);
    }

    private static Region paddedRegion(int number, ByteBuf body) throws ProtocolViolation {
        if (body.readableBytes() < 8 + REGION_BYTES) throw tooShort(number, body, 8 + REGION_BYTES);
        body.skipBytes(8);
        return region(body);
    }

    private static Region region(ByteBuf body) {
        return new Region(body.readLongLE(), body.readLongLE(), body.readLongLE(), body.readLongLE());
    }

    private FrontEndMessage vringAddr(int number, ByteBuf body) throws ProtocolViolation {
        int index = index(number, sized(number, body, 40));
        body.skipBytes(4); // flags: dirty logging, which we do not offer
        return new FrontEndMessage.SetVringAddr(index, body.readLongLE(), body.readLongLE(), body.readLongLE());
    }

    private FrontEndMessage vringFd(int number, ByteBuf body, Fds fds) throws ProtocolViolation {
        long value = sized(number, body, 8).readLongLE();
        int index = checkedIndex(number, (int) (value & 0xff));
        Fd fd = (value & NO_FD) != 0 ? null : oneFd(number, fds);
        return vringFd(number, index, fd);
    }

    private static FrontEndMessage vringFd(int number, int index, @Nullable Fd fd) {
        return switch (number) {
            case 12 -> new FrontEndMessage.SetVringKick(index, fd);
            case 13 -> new FrontEndMessage.SetVringCall(index, fd);
            default -> new FrontEndMessage.SetVringErr(index, fd);
        };
    }

    private static FrontEndMessage getConfig(int number, ByteBuf body) throws ProtocolViolation {
        if (body.readableBytes() < 12) throw tooShort(number, body, 12);
        int offset = body.readIntLE();
        int size = body.readIntLE();
        int flags = body.readIntLE();
        checkConfig(offset, size);
        return new FrontEndMessage.GetConfig(offset, size, flags);
    }

    private static FrontEndMessage setConfig(int number, ByteBuf body) throws ProtocolViolation {
        if (body.readableBytes() < 12) throw tooShort(number, body, 12);
        int offset = body.readIntLE();
        int size = body.readIntLE();
        int flags = body.readIntLE();
        checkConfig(offset, size);
        if (body.readableBytes() < size) throw tooShort(number, body, size);
        byte[] value = new byte[size];
        body.readBytes(value);
        return new FrontEndMessage.SetConfig(offset, value, flags);
    }

    private static void checkConfig(int offset, int size) throws ProtocolViolation {
        if (offset < 0 || size < 0 || offset > MAX_CONFIG_BYTES || size > MAX_CONFIG_BYTES - offset) {
            throw new ProtocolViolation("configuration access of %d bytes at %d; the space ends at %d"
                    .formatted(Integer.toUnsignedLong(size), Integer.toUnsignedLong(offset), MAX_CONFIG_BYTES));
        }
    }

    private int index(int number, ByteBuf body) throws ProtocolViolation {
        return checkedIndex(number, body.readIntLE());
    }

    private int checkedIndex(int number, int index) throws ProtocolViolation {
        if (index < 0 || index >= queues) {
            throw new ProtocolViolation("message %d names queue %d of a device with %d"
                    .formatted(number, Integer.toUnsignedLong(index), queues));
        }
        return index;
    }

    private static Fd oneFd(int number, Fds fds) throws ProtocolViolation {
        if (fds.count() != 1) {
            throw new ProtocolViolation("message %d needs one descriptor, not %d".formatted(number, fds.count()));
        }
        return fds.take();
    }

    private static ByteBuf sized(int number, ByteBuf body, int size) throws ProtocolViolation {
        if (body.readableBytes() < size) throw tooShort(number, body, size);
        return body;
    }

    private static ProtocolViolation tooShort(int number, ByteBuf body, int size) {
        return new ProtocolViolation("message %d is too short: %d bytes left, %d needed"
                .formatted(number, body.readableBytes(), size));
    }
}
