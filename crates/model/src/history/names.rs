//! What the ids of a history stand for, for people.

/// The names of a history's messages, keys, processes and fault points; the index is the id. A
/// writer prints the number of an id that has no name here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of messages, by [`crate::MessageId`].
    pub messages: Vec<String>,
    /// Of keys, by [`crate::Key`].
    pub keys: Vec<String>,
    /// Of processes, by [`crate::ProcessId`]. Two of one name become one process to a reader.
    pub processes: Vec<String>,
    /// Of fault points, by the `point` of [`crate::Kind::Faulted`].
    pub points: Vec<PointNames>,
}

/// The names of a fault point and of what it can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointNames {
    /// Of the point.
    pub name: String,
    /// Of the alternatives from 1 on; an empty one has no name. Alternative 0 is the harmless one.
    pub alternatives: Vec<String>,
}
