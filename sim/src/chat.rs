//! Running a chat: the same steps whatever the rail.

use fx::Money;

use crate::rail::{Answer, Chats, Rail, Trouble};
use crate::run::Run;
use crate::world::{Chat, Sends};

impl<R: Rail + Chats> Run<R> {
    /// Runs one chat to its end. A refusal is counted; anything broken is a fault with its story.
    pub(crate) async fn chat(&self, number: u64) {
        if self.town.people.len() < 2 {
            return;
        }
        let chat = Chat::new(&self.town, number);
        match self.chat_steps(&chat).await {
            Ok(()) => {}
            Err(Trouble::Refused { code }) => self.tally().refused(code),
            Err(Trouble::Broken(error)) => {
                let story = format!("chat {number} ({:?}): {error:#}", chat.sends);
                self.tally().fault(story);
            }
        }
    }

    async fn chat_steps(&self, chat: &Chat) -> Answer<()> {
        let (from, to) = (chat.friends[0], chat.friends[1]);
        match chat.sends {
            Sends::Transfer => {
                self.rail.transfer(from, to, chat.amount, false).await?;
                self.tally().sent(from, Some(to), chat.amount);
                self.tally().transfers += 1;
                Ok(())
            }
            Sends::Offer { accepted } => {
                let offer = self.rail.transfer(from, to, chat.amount, true).await?;
                self.tally().sent(from, None, chat.amount);
                self.rail.reply(to, &offer, accepted).await?;
                let whose = if accepted { to } else { from };
                self.tally().received(whose, chat.amount);
                self.tally().transfers += 1;
                // What is answered is answered.
                let again = self.rail.reply(to, &offer, true).await;
                let wanted = if accepted {
                    "transfer_completed"
                } else {
                    "transfer_declined"
                };
                self.must_be_refused(again, wanted)
            }
            Sends::RedPacket { shares, looking } => self.red_packet(chat, shares, looking).await,
        }
    }

    async fn red_packet(&self, chat: &Chat, shares: usize, looking: usize) -> Answer<()> {
        let (from, others) = (chat.friends[0], &chat.friends[1..]);
        let packet = self
            .rail
            .red_packet(from, others, chat.amount, shares)
            .await?;
        self.tally().sent(from, None, chat.amount);
        self.tally().red_packets += 1;
        let mut left = chat.amount;
        for (place, friend) in others.iter().take(looking).enumerate() {
            let claimed = self.rail.claim(*friend, &packet).await;
            if place >= shares {
                self.must_be_refused(claimed.map(|_| ()), "red_packet_empty")?;
                continue;
            }
            let share = Money::new(claimed?, chat.amount.currency);
            self.tally().received(*friend, share);
            self.tally().claims += 1;
            left.amount -= share.amount;
            if place == 0 {
                let again = self.rail.claim(*friend, &packet).await;
                self.must_be_refused(again.map(|_| ()), "red_packet_claimed")?;
            }
        }
        if left.amount < 0 || (looking >= shares) != (left.amount == 0) {
            let story = format!("red packet {packet}: {left} is left after {looking} looked");
            self.tally().fault(story);
        }
        // What nobody took goes back after a day, where a day can be waited for.
        if left.amount > 0 && self.rail.wait_a_day().await {
            self.tally().received(from, left);
        }
        Ok(())
    }
}
