use std::sync::Arc;
use std::task::Waker;

use proptest::prelude::*;

use super::*;
use crate::edge::websocket::{CloseCode, MessageKind, writer};

/// Takes what its budgets say, one for each call, and is then not ready.
#[derive(Default)]
struct Stream {
    budgets: VecDeque<usize>,
    taken: Vec<u8>,
    /// The address, size and number of slices of each call.
    calls: Vec<(usize, usize, usize)>,
}

impl Stream {
    fn with(budgets: impl IntoIterator<Item = usize>) -> Self {
        Self {
            budgets: budgets.into_iter().collect(),
            ..Self::default()
        }
    }

    fn ready(calls: usize) -> Self {
        Self::with(vec![usize::MAX; calls])
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Some(budget) = self.budgets.pop_front() else {
            return Poll::Pending;
        };
        let bytes = slices
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect::<Vec<_>>();
        self.calls
            .push((slices[0].as_ptr().addr(), bytes.len(), slices.len()));
        let len = bytes.len().min(budget);
        self.taken.extend_from_slice(&bytes[..len]);
        Poll::Ready(Ok(len))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

type Frame = Arc<[u8]>;

fn frame(len: usize, byte: u8) -> Frame {
    writer::frame(MessageKind::Binary, &vec![byte; len])
        .0
        .into()
}

fn poll(
    outgoing: &mut Outgoing<Frame>,
    stream: &mut Stream,
    batch: &mut impl Iterator<Item = Frame>,
) -> Poll<()> {
    outgoing
        .poll_write(&mut Context::from_waker(Waker::noop()), stream, batch)
        .map(Result::unwrap)
}

fn write(stream: &mut Stream, frames: &[Frame]) -> Outgoing<Frame> {
    let mut outgoing = Outgoing::new();
    assert!(poll(&mut outgoing, stream, &mut frames.iter().cloned()).is_ready());
    assert_eq!(stream.taken, frames.concat());
    outgoing
}

/// The opcodes of the whole frames in `bytes`.
fn opcodes(mut bytes: &[u8]) -> Vec<u8> {
    let mut opcodes = Vec::new();
    while let [first, len, ..] = bytes {
        let end = match len {
            126 => 4 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]])),
            short => 2 + usize::from(*short),
        };
        opcodes.push(first & 0xf);
        bytes = &bytes[end..];
    }
    opcodes
}

#[test]
fn one_frame_is_written_from_where_it_is() {
    let mut stream = Stream::ready(1);
    let frame = frame(100, 1);
    write(&mut stream, &[Arc::clone(&frame)]);
    assert_eq!(stream.calls, [(frame.as_ptr().addr(), 102, 1)]);
}

#[test]
fn small_frames_are_copied_into_one_call() {
    let mut stream = Stream::ready(1);
    let outgoing = write(&mut stream, &vec![frame(100, 1); 50]);
    assert_eq!((stream.calls[0].1, stream.calls[0].2), (5100, 1));
    assert_eq!(outgoing.queue.capacity(), 0, "nothing is allocated");
}

#[test]
fn large_frames_are_written_from_where_they_are_in_one_call() {
    let mut stream = Stream::ready(1);
    let frames = [frame(10_000, 1), frame(10_000, 2)];
    write(&mut stream, &frames);
    assert_eq!(stream.calls, [(frames[0].as_ptr().addr(), 20_008, 2)]);
}

#[test]
fn a_long_batch_takes_a_call_for_every_64_frames() {
    let mut stream = Stream::ready(3);
    write(&mut stream, &vec![frame(1, 1); 130]);
    let sizes = stream.calls.iter().map(|call| call.1).collect::<Vec<_>>();
    assert_eq!(sizes, [192, 192, 6]);
}

#[test]
fn a_stream_that_is_not_ready_bounds_what_is_taken() {
    let mut stream = Stream::with([10]);
    let mut outgoing = Outgoing::new();
    let mut batch = vec![frame(1, 1); 1000].into_iter();
    for _ in 0..5 {
        assert!(poll(&mut outgoing, &mut stream, &mut batch).is_pending());
        assert!(outgoing.queue.len() <= MAX_SLICES);
        assert!(batch.len() >= 1000 - 2 * MAX_SLICES);
    }

    stream.budgets = [usize::MAX; 20].into();
    assert!(poll(&mut outgoing, &mut stream, &mut batch).is_ready());
    assert_eq!(stream.taken.len(), 3000);
    assert_eq!(
        outgoing.queue.capacity(),
        0,
        "an idle socket keeps no queue"
    );
}

#[test]
fn a_pong_waits_for_the_frame_that_is_half_written() {
    let mut stream = Stream::with([5]);
    let mut outgoing = Outgoing::new();
    let mut batch = vec![frame(10, 1), frame(10, 2)].into_iter();
    assert!(poll(&mut outgoing, &mut stream, &mut batch).is_pending());
    outgoing.pong(&writer::pong(b"!"));

    stream.budgets = [usize::MAX; 9].into();
    assert!(poll(&mut outgoing, &mut stream, &mut batch).is_ready());
    assert_eq!(opcodes(&stream.taken), [2, 0xa, 2]);
    assert!(!outgoing.has_control());
}

#[test]
fn every_ping_of_a_few_is_answered() {
    let mut stream = Stream::ready(1);
    let mut outgoing = Outgoing::new();
    for number in 0..10 {
        outgoing.pong(&writer::pong(&[number]));
    }
    assert!(poll(&mut outgoing, &mut stream, &mut std::iter::empty()).is_ready());
    assert_eq!(opcodes(&stream.taken), [0xa; 10]);
}

#[test]
fn of_too_many_pings_the_newest_is_answered() {
    let mut stream = Stream::ready(2);
    let mut outgoing = Outgoing::new();
    for number in 0u32..100_000 {
        outgoing.pong(&writer::pong(&number.to_be_bytes()));
    }
    assert!(poll(&mut outgoing, &mut stream, &mut std::iter::empty()).is_ready());
    assert!(stream.taken.len() <= PONG_LIMIT_BYTES + 6);
    assert_eq!(
        stream.taken[stream.taken.len() - 4..],
        99_999u32.to_be_bytes()
    );
}

#[test]
fn the_close_frame_follows_what_was_taken_and_nothing_follows_it() {
    let mut stream = Stream::with([5]);
    let mut outgoing = Outgoing::new();
    let mut batch = vec![frame(10, 1), frame(10, 2)].into_iter();
    assert!(poll(&mut outgoing, &mut stream, &mut batch).is_pending());
    assert_eq!(batch.len(), 0);
    outgoing.close(writer::close(CloseCode::NORMAL, ""));
    outgoing.close(writer::close(CloseCode::GOING_AWAY, ""));

    let mut late = vec![frame(1, 3)].into_iter();
    for _ in 0..40 {
        stream.budgets.push_back(1);
        let _ = poll(&mut outgoing, &mut stream, &mut late);
        outgoing.pong(&writer::pong(b"late"));
    }
    assert_eq!(opcodes(&stream.taken), [2, 2, 8]);
    assert_eq!(
        stream.taken[stream.taken.len() - 2..],
        1000u16.to_be_bytes()
    );
    assert_eq!(late.len(), 1);
}

#[test]
fn a_stream_that_takes_nothing_is_an_error() {
    let mut outgoing = Outgoing::new();
    let cx = &mut Context::from_waker(Waker::noop());
    let written = outgoing.poll_write(cx, &mut Stream::with([0]), &mut [frame(1, 1)].into_iter());
    let Poll::Ready(Err(error)) = written else {
        panic!("written: {written:?}")
    };
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}

proptest! {
    #[test]
    fn any_readiness_gives_the_same_bytes(
        lens in prop::collection::vec(prop_oneof![0usize..300, 5_000usize..9_000], 0..150),
        budgets in prop::collection::vec(
            prop_oneof![Just(None), (1usize..20_000).prop_map(Some)], 0..60),
        pongs in prop::collection::vec(0usize..60, 0..4),
    ) {
        let frames = lens.iter().zip((0u8..=255).cycle()).map(|(len, byte)| frame(*len, byte));
        let frames = frames.collect::<Vec<_>>();
        let mut batch = frames.iter().cloned();
        let mut stream = Stream::default();
        let mut outgoing = Outgoing::new();
        for (step, budget) in budgets.into_iter().enumerate() {
            if pongs.contains(&step) {
                outgoing.pong(&writer::pong(b"pong"));
            }
            stream.budgets.extend(budget);
            let _ = poll(&mut outgoing, &mut stream, &mut batch);
        }
        stream.budgets = vec![usize::MAX; 200].into();
        prop_assert!(poll(&mut outgoing, &mut stream, &mut batch).is_ready());

        let pong = writer::pong(b"pong");
        let mut rest = stream.taken.as_slice();
        for frame in &frames {
            while let Some(after) = rest.strip_prefix(pong.as_ref()) {
                rest = after;
            }
            let after = rest.strip_prefix(frame.as_ref());
            prop_assert!(after.is_some(), "frames are whole and in order");
            rest = after.unwrap_or_default();
        }
        prop_assert_eq!(rest.len() % pong.as_ref().len(), 0);
    }
}
