package sluice.vdev.vfiouser;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.vdev.host.FunctionHost;
import sluice.vdev.host.PeerMemory;
import sluice.vdev.io.FrameChannel;
import sluice.vdev.io.PeerLog;
import sluice.vdev.io.ProtocolViolation;

/**
 * One front-end's session, on the control loop. It never blocks: work for the function's loop is posted there, and its
 * reply takes its place in the queue.
 */
final class Session extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    /** VFIO_DEVICE_FLAGS_RESET and VFIO_DEVICE_FLAGS_PCI. */
    private static final int DEVICE_FLAGS = 3;
    private static final int DEVICE_INFO_BYTES = 16;
    /** VFIO_DMA_MAP_FLAG_READ and _WRITE are {@link Permission#bits}. */
    private static final int MAP_FLAGS = 3;
    /** VFIO_DMA_UNMAP_FLAG_ALL. */
    private static final int UNMAP_ALL = 1 << 1;

    /** After the first memory has arrived, in which the firmware runs. */
    private static final int MEMORY_HINT_SECONDS = 3;

    private final FunctionHost host;
    private final PeerMemory peer;
    private @Nullable Future<?> memoryHint;
    private final PeerLog log;
    private final Channel channel;
    private final Runnable gone;
    private final Answers answers;
    private final Regions regions;
    private final Irqs irqs;
    private final DmaMessages dma;
    private boolean versionAgreed;
    private boolean goneByItself;

    Session(FunctionHost host, Channel channel, PeerMemory peer, Runnable gone) {
        this.host = host;
        this.peer = peer;
        this.log = host.loop().log();
        this.channel = channel;
        this.gone = gone;
        this.answers = new Answers(channel, host.loop().disposal());
        this.regions = new Regions(host);
        this.irqs = new Irqs(host);
        this.dma = new DmaMessages(channel, log);
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        log.info("{}: a front-end has connected", host.loop().name());
        host.attach(dma);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object received) throws ProtocolViolation {
        Incoming incoming = (Incoming) received;
        LOG.trace("{}", incoming);
        if (incoming.message() instanceof ClientMessage.DmaAnswer answer) {
            dma.answered(incoming.id(), incoming.command(), answer);
            return;
        }
        Answers.Place place;
        try {
            if (!versionAgreed && incoming.command() != MessageDecoder.VERSION) {
                throw new ProtocolViolation(
                        "command %d arrived before VERSION, which must be the first".formatted(incoming.command()));
            }
            place = answers.expect(incoming);
        } catch (ProtocolViolation e) {
            host.loop().disposal().closeAll(incoming.message().files());
            throw e;
        }
        try {
            carryOut(incoming.message(), place);
        } catch (IOException e) {
            log.error("command {} of the front-end is refused: {}", incoming.command(), e.getMessage());
            place.fail(e instanceof RefusedException refused ? refused.errno() : Errno.EINVAL);
            // Without a common version the connection is closed.
            if (!versionAgreed) context.close();
        }
    }

    private void carryOut(ClientMessage message, Answers.Place place) throws IOException {
        switch (message) {
            case ClientMessage.Version version -> agree(version, place.question());
            case ClientMessage.DmaMap map -> map(map, place);
            case ClientMessage.DmaUnmap unmap -> unmap(unmap, place);
            case ClientMessage.GetInfo() -> place.question().answer(body -> body.writeIntLE(DEVICE_INFO_BYTES)
                    .writeIntLE(DEVICE_FLAGS).writeIntLE(Regions.COUNT).writeIntLE(Irqs.COUNT));
            case ClientMessage.GetRegionInfo get -> regions.info(get, place.question());
            case ClientMessage.GetRegionIoFds get -> throw new RefusedException(Errno.EOPNOTSUPP,
                    "region %d has no ioeventfds: accesses arrive as messages".formatted(get.index()));
            case ClientMessage.GetIrqInfo get -> irqs.info(get, place.question());
            case ClientMessage.SetIrqs set -> {
                irqs.set(set);
                host.loop().execute(() -> place.answerLater(0));
            }
            case ClientMessage.RegionRead read -> regions.read(read, place);
            case ClientMessage.RegionWrite write -> write(write, place);
            case ClientMessage.WriteMulti multi -> writeMulti(multi, place);
            case ClientMessage.Reset() -> host.reset(() -> place.answerLater(0));
            case ClientMessage.Unknown() -> throw new RefusedException(Errno.EOPNOTSUPP, "unsupported command");
            case ClientMessage.Malformed malformed -> throw new RefusedException(Errno.EINVAL, malformed.reason());
            case ClientMessage.DmaAnswer answer -> throw new IllegalStateException("it was handled before");
        }
    }

    private void agree(ClientMessage.Version version, Answers.Place place) throws IOException {
        if (versionAgreed) throw new RefusedException(Errno.EINVAL, "the version was negotiated before");
        if (version.major() != 0) {
            throw new RefusedException(Errno.EINVAL,
                    "the front-end speaks version %d.%d, we speak 0.0".formatted(version.major(), version.minor()));
        }
        Capabilities capabilities = Capabilities.of(version.data());
        dma.limitData(capabilities.dataBytes());
        versionAgreed = true;
        byte[] json = capabilities.answer().getBytes(StandardCharsets.UTF_8);
        place.answer(body -> body.writeShortLE(0).writeShortLE(0).writeBytes(json).writeByte(0));
    }

    private void map(ClientMessage.DmaMap map, Answers.Place place) throws IOException {
        Fd fd = map.fd();
        if (map.flags() == 0 || (map.flags() & ~MAP_FLAGS) != 0) {
            if (fd != null) host.loop().disposal().close(fd);
            throw new RefusedException(Errno.EINVAL,
                    "flags 0x%x of DMA_MAP: only 1 (read) and 2 (write) are defined".formatted(
                            map.flags()));
        }
        if (fd != null && memoryHint == null) check(fd);
        host.map(map.address(), map.size(), fd, map.offset(), Permission.of(map.flags()),
                place::answerLater);
    }

    private void check(Fd memory) {
        peer.add(memory);
        memoryHint = channel.eventLoop().schedule(() -> host.loop().disposal().whenDone(() -> {
            if (!peer.isPrivate()) return;
            log.error(
                    """
                            {}: the front-end has mapped the guest's memory privately (share=off), so the device does not see what the \
                            guest writes: start QEMU with -object memory-backend-memfd,id=mem,size=…,share=on -machine memory-backend=mem""",
                    host.loop().name());
        }), MEMORY_HINT_SECONDS, TimeUnit.SECONDS);
    }

    private void unmap(ClientMessage.DmaUnmap unmap, Answers.Place place) throws IOException {
        if (unmap.flags() == UNMAP_ALL) {
            if (unmap.address() != 0 || unmap.size() != 0)
                throw new RefusedException(Errno.EINVAL, "DMA_UNMAP of everything must not name a range");
            host.unmapAll(() -> unmapped(unmap, place, 0));
            return;
        }
        if (unmap.flags() != 0) {
            throw new RefusedException(Errno.EINVAL,
                    "unsupported flags 0x%x of DMA_UNMAP: dirty pages are not tracked".formatted(unmap.flags()));
        }
        AddressRange range;
        try {
            range = AddressRange.of(unmap.address(), unmap.size());
        } catch (IllegalArgumentException e) {
            throw new RefusedException(Errno.EINVAL, String.valueOf(e.getMessage()));
        }
        host.unmap(range, errno -> unmapped(unmap, place, errno));
    }

    private static void unmapped(ClientMessage.DmaUnmap unmap, Answers.Place place, int errno) {
        if (errno != 0) {
            place.answerLater(errno);
            return;
        }
        place.answerLater(body -> body.writeIntLE(unmap.argsz()).writeIntLE(unmap.flags()).writeLongLE(unmap.address())
                .writeLongLE(unmap.size()));
    }

    private void write(ClientMessage.RegionWrite write, Answers.Place place) throws IOException {
        regions.check(write.region(), write.offset(), write.bytes().length);
        regions.write(List.of(write), () -> place.answerLater(body -> body.writeLongLE(write.offset())
                .writeIntLE(write.region()).writeIntLE(write.bytes().length)));
    }

    private void writeMulti(ClientMessage.WriteMulti multi, Answers.Place place) throws IOException {
        // All or none: a partly executed list of register writes is useless.
        for (ClientMessage.RegionWrite write : multi.writes())
            regions.check(write.region(), write.offset(), write.bytes().length);
        int count = multi.writes().size();
        regions.write(multi.writes(), () -> place.answerLater(body -> body.writeLongLE(count)));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (FrameChannel.isPeerGone(cause)) {
            LOG.debug("the front-end no longer reads our answers: {}", cause.toString());
        } else if (cause instanceof IOException) {
            log.error("the connection to the front-end is closed: {}", cause.getMessage());
        } else {
            log.error("the connection to the front-end is closed after an internal error", cause);
        }
        context.close();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof ChannelInputShutdownEvent) goneByItself = true;
        context.fireUserEventTriggered(event);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        log.info("{}: the front-end has disconnected", host.loop().name());
        Future<?> hint = memoryHint;
        if (hint != null) hint.cancel(false);
        try {
            answers.close();
            dma.close();
            irqs.close();
        } finally {
            host.detach(goneByItself, () -> host.loop().disposal().whenDone(() -> channel.eventLoop().execute(gone)));
        }
    }
}
